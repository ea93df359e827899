"""One page that attends at this node: whether it is ready, what rings there, and what its person answers.

What a page answers goes to the call's node as a letter; whether it was in time is that call's to say.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from uuid import UUID

from events.attendance import AttendanceTicket, SeatReport
from events.ids import new_id
from telephony.people import messages as people
from telephony.people.presence import NotDone
from telephony.queues import messages
from telephony.queues.attendance import Person
from telephony.queues.offers import Answered, Letter, Offered, Settled, ToPage, Withdrawn

SETTLED_S: Final = 4.0  # a page itself waits for 8
OFFERS_MAX: Final = 20  # at once; one at most rings, the others are of calls whose nodes have died


class Page(Protocol):
    def tell(self, message: people.Sent) -> None: ...

    def end(self, code: str, sentence: str) -> None: ...


@dataclass(slots=True)
class _Offer:
    letter: Offered
    settled: asyncio.Future[Settled] | None = None  # while it is being taken


@dataclass(slots=True)
class Seat:
    """A page's. `send` brings a letter to a node; `changed` has it told whether the page is ready."""

    ticket: AttendanceTicket
    node: str
    page: Page
    ready: bool
    send: Callable[[str, Letter], None]
    changed: Callable[[], None]
    id: UUID = field(default_factory=new_id)
    since: float = field(default_factory=time.time)
    _offers: dict[str, _Offer] = field(default_factory=dict)

    @property
    def person(self) -> Person:
        return self.ticket.org_id, self.ticket.user_id

    @property
    def report(self) -> SeatReport:
        return SeatReport(self.ticket.user_id, self.ticket.name, self.node, self.id, self.ready, self.since)

    def replaced(self) -> None:
        self.page.end("replaced", "You take calls in another tab, or at another device, now.")

    # What the page asks for

    def switch(self, *, ready: bool) -> None:
        if self.ready is not ready:
            self.ready, self.since = ready, time.time()
            self.changed()

    async def accept(self, name: str) -> dict[str, Any]:
        """Take a caller; return the call and the ticket to it. Raises NotDone."""
        offer = self._offer(name)
        if offer.settled is not None:
            raise NotDone("being_taken", "You are taking this call already.")
        settled = offer.settled = asyncio.get_running_loop().create_future()
        self._answer(offer.letter, accepts=True)
        try:
            async with asyncio.timeout(SETTLED_S):
                said = await settled
        except TimeoutError:
            offer.settled = None
            raise NotDone("no_answer", "The call's server does not answer: try again while it rings.") from None
        self._offers.pop(name, None)
        if not said.ticket:
            raise NotDone("too_late", "The call is not to be had any more: a colleague was first, or the caller left.")
        return {"call": str(said.call_id), "ticket": said.ticket, "address": said.address}

    def decline(self, name: str) -> None:
        """Raises NotDone."""
        self._answer(self._offer(name).letter, accepts=False)
        self._offers.pop(name)

    # What calls say

    def take(self, letter: ToPage) -> None:
        name = offer_name(letter.call_id, letter.number)
        match letter:
            case Offered():
                if len(self._offers) >= OFFERS_MAX:
                    self._offers.pop(next(iter(self._offers)))
                self._offers[name] = _Offer(letter)
                self.page.tell(_told(name, letter))
            case Withdrawn():
                offer = self._offers.get(name)
                if offer is not None and offer.settled is None:
                    del self._offers[name]
                    self.page.tell(messages.OfferOver(name, letter.why, letter.by))
                if letter.rests and self.ready:
                    self.switch(ready=False)
                    self.page.tell(messages.Readiness(False, "missed"))
            case Settled():
                offer = self._offers.get(name)
                if offer is not None and offer.settled is not None and not offer.settled.done():
                    offer.settled.set_result(letter)

    def _offer(self, name: str) -> _Offer:
        offer = self._offers.get(name)
        if offer is None:
            raise NotDone("too_late", "This call rings here no longer.")
        return offer

    def _answer(self, letter: Offered, *, accepts: bool) -> None:
        ticket = self.ticket
        answered = Answered(
            letter.call_id,
            letter.number,
            ticket.org_id,
            ticket.user_id,
            self.id,
            self.node,
            ticket.role,
            ticket.session_id,
            accepts,
        )
        self.send(letter.node, answered)


def offer_name(call_id: UUID, number: int) -> str:
    return f"{call_id}.{number}"


def _told(name: str, letter: Offered) -> messages.OfferTold:
    return messages.OfferTold(
        name,
        str(letter.call_id),
        str(letter.lead_id),
        letter.caller,
        letter.company,
        letter.queue,
        letter.ring_s,
        letter.waited_s,
    )
