"""A person in a call: who they are, how they got there, and how to get back in. It outlives their socket for a while.

What they do to the call is one signal each on its queue (telephony/call/person_acts.py); what they hear and say goes
by their leg, with or without a socket. A second page of the same person's takes the place of the first.
"""

import asyncio
import secrets
from collections.abc import Callable
from typing import Final, Protocol
from uuid import UUID

from events.call import State
from events.plan import CallPlan
from events.ticket import Ticket
from telephony.call.ending import Why
from telephony.call.people import CallPeople
from telephony.call.person_acts import Act, Answer, Done, Join, Leave, Lost, Person, PersonActs, Refused, seat_id
from telephony.people import messages
from telephony.people.parting import over, soon
from telephony.softphone.leg import SoftphoneLeg

ACT_TIMEOUT_S: Final = 5.0  # the call's queue was full, or its task is gone
REMEMBERED_S: Final = 30.0  # who has neither socket nor sound: longer than the call waits for them
# Who is heard, and cannot be reached by a page: as long as a proxy may take to start again. Nobody talks on for good
# without a way to be told anything.
HEARD_ALONE_S: Final = 120.0
_REJOIN_BYTES: Final = 24


class LiveCall(Protocol):
    """What of a call people meet."""

    plan: CallPlan

    @property
    def call_id(self) -> UUID: ...

    @property
    def state(self) -> State: ...

    @property
    def put(self) -> Callable[[PersonActs], None]: ...

    @property
    def people(self) -> CallPeople: ...


class NotDone(Exception):
    """A command was refused; `code` and `sentence` go to the page."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence


class Page(Protocol):
    """The socket that a person is there by."""

    def tell(self, message: messages.Sent) -> None: ...

    def feed(self, frame: bytes) -> None: ...

    def end(self, code: str, sentence: str) -> None: ...


class Presence:
    """One person in one call."""

    def __init__(self, ticket: Ticket, call: LiveCall) -> None:
        self.ticket = ticket
        self.call = call
        self.person = Person(seat_id(ticket.seat, ticket.user_id), ticket.name, ticket.user_id, ticket.seat)
        self.rejoin = ""
        self.leg: SoftphoneLeg | None = None  # that they are heard by
        self.connections: dict[SoftphoneLeg, asyncio.Task[None]] = {}  # that one, and any that is being made
        self.muted = False
        self._page: Page | None = None
        self.losses = 0  # of the socket, or the leg
        self.heard = False  # they have been in the call by sound

    def tell(self, message: messages.Sent) -> None:
        """Send that to the person's page, if they have one now."""
        if self._page is not None:
            self._page.tell(message)

    def feed(self, frame: bytes) -> None:
        """Send a message that a later one makes up for: a slow page goes without."""
        if self._page is not None:
            self._page.feed(frame)

    def opened(self, page: Page) -> None:
        """They are there by another page from now on; the one before is told."""
        if self._page is not None:
            self._page.end("replaced", "You have opened this call in another tab, and are there by that one now.")
        self._page = page
        self.rejoin = secrets.token_urlsafe(_REJOIN_BYTES)

    def follow_end(self) -> None:
        """Tell the page when the call is going to end, as long as they are in it."""
        people, name = self.call.people, self.person.id
        people.endings.follow(name, lambda ending: self.tell(soon(ending)))
        people.when_gone(name, "endings", lambda: people.endings.unfollow(name))

    @property
    def present(self) -> bool:
        return self._page is not None

    def closed(self, page: Page) -> bool:
        """A page's socket is gone; False when the person has another one by now."""
        if self._page is not page:
            return False
        self._page = None
        return True

    def end(self, code: str, sentence: str) -> None:
        if self._page is not None:
            self._page.end(code, sentence)

    async def act(self, act: Act) -> Done:
        """Have the call do that and return its word. Raises NotDone."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def answer(said: Answer) -> None:
            if not answered.done():
                answered.set_result(said)

        self.call.put(PersonActs(self.person, act, answer))
        try:
            async with asyncio.timeout(ACT_TIMEOUT_S):
                said = await answered
        except TimeoutError:
            raise NotDone("call_over", "The call does not answer: it is ending. Try again if it goes on.") from None
        if isinstance(said, Refused):
            raise NotDone(said.code, said.sentence)
        return said

    async def join(self, leg: SoftphoneLeg) -> Done:
        """Hear, and be heard as one's role has it, by a leg that has connected. Raises NotDone."""
        done = await self.act(Join(leg))
        leg.muted, leg.party = self.muted, done.party
        self.leg, self.heard = leg, True
        return done

    def lost(self, leg: SoftphoneLeg | None = None) -> None:
        """Their connection went: a leg, or their socket when they had none. The call waits for them."""
        if self.leg is leg:
            self.leg = None
        self.call.put(PersonActs(self.person, Lost(leg), lambda _: None))

    def drop_connections(self, but: SoftphoneLeg | None = None) -> None:
        """End what they talk and hear by, except for one."""
        for leg, task in self.connections.items():
            if leg is not but:
                task.cancel()

    def left(self) -> None:
        self.call.put(PersonActs(self.person, Leave(), lambda _: None))


class Presences:
    """Who is in the calls of this node, or was a moment ago."""

    def __init__(self, later: Callable[[float, Callable[[], None]], object] | None = None) -> None:
        """`later` is the running loop's `call_later` unless given."""
        self._later = later
        self._here: dict[tuple[UUID, UUID], Presence] = {}

    def __len__(self) -> int:
        return len(self._here)

    def enter(self, ticket: Ticket, call: LiveCall) -> Presence:
        """Return the presence of a ticket's person, theirs of before if they have one and come as the same."""
        key = ticket.call_id, ticket.user_id
        known = self._here.get(key)
        if known is not None and known.ticket.seat is ticket.seat and known.call is call:
            known.ticket = ticket
            known.drop_connections()  # another tab: nobody is there by two
            return known
        if known is not None:
            known.end("replaced", "You have come to this call again, in another seat.")
            known.left()
            known.drop_connections()
        presence = self._here[key] = Presence(ticket, call)
        return presence

    def back(self, rejoin: str) -> Presence | None:
        """Return whose token that is; it is used up with the page that they open."""
        for presence in self._here.values():
            if presence.rejoin and secrets.compare_digest(presence.rejoin.encode(), rejoin.encode()):
                return presence
        return None

    def closed(self, presence: Presence, page: Page) -> None:
        """A socket is gone, for now or for good: who does not come back is forgotten."""
        if presence.closed(page):
            if not presence.heard:
                presence.lost()  # else the leg's end says so
            self._wait_for(presence)

    def leg_lost(self, presence: Presence, leg: SoftphoneLeg) -> None:
        """Who was heard by a leg is not any more; without a page too, they are waited for, and forgotten."""
        presence.lost(leg)
        if not presence.present:
            self._wait_for(presence)

    def leave(self, presence: Presence) -> None:
        """They want to go."""
        presence.left()
        self._drop(presence)

    def here(self) -> list[Presence]:
        """Return who is in a call, or is waited for."""
        return list(self._here.values())

    def send_away(self, ticket: Ticket, code: str, sentence: str) -> bool:
        """Have who came last by that ticket leave the call, and say why; False when they came by another since."""
        presence = self._here.get((ticket.call_id, ticket.user_id))
        if presence is None or presence.ticket is not ticket:
            return False
        presence.end(code, sentence)
        self.leave(presence)
        return True

    def call_over(self, call_id: UUID, why: Why | None = None) -> None:
        """A call is over for everybody who is in it; `why`: an end that they were warned of."""
        for presence in [one for one in self._here.values() if one.call.call_id == call_id]:
            presence.end("call_over", over(why))
            self._drop(presence)

    def _wait_for(self, presence: Presence) -> None:
        presence.losses += 1
        later, number = self._later or asyncio.get_running_loop().call_later, presence.losses
        later(REMEMBERED_S if presence.leg is None else HEARD_ALONE_S, lambda: self._forget(presence, number))

    def _forget(self, presence: Presence, losses: int) -> None:
        if not presence.present and presence.losses == losses:
            self._drop(presence)

    def _drop(self, presence: Presence) -> None:
        presence.rejoin = ""
        presence.drop_connections()
        key = presence.ticket.call_id, presence.ticket.user_id
        if self._here.get(key) is presence:
            del self._here[key]
