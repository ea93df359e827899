"""What people ask for at the socket, and that what they were given ends when they are gone."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from events import call as events
from events.call import State
from events.ids import new_id
from events.ticket import Seat, Ticket
from telephony.call.emitter import utc_now
from telephony.call.person_acts import Join, Leave, PersonActs
from telephony.people import messages
from telephony.people.presence import LiveCall, NotDone, Presence
from telephony.people.verbs import Place
from telephony.supervisor import verbs
from telephony.supervisor.organisations import read_id
from tests.telephony.call.people_stage import Caller, play

ORG = UUID(int=1)


class Stream:
    """Stands where the organisations' streams are, without Redis."""

    def __init__(self) -> None:
        self.followers: dict[str, str] = {}

    def publish(self, org_id: UUID, packed: bytes) -> None: ...

    def follow(self, name: str, org_id: UUID, after: str, tell: Callable[[bytes], None]) -> None:
        read_id(after)
        self.followers[name] = after

    def unfollow(self, name: str) -> None:
        self.followers.pop(name, None)


class Visit:
    """A person at a call of test_people's. Implements `LiveCall` and `Page`."""

    def __init__(self, call: Caller, seat: Seat) -> None:
        self.stream = Stream()
        self.call_id, self.state, self.plan = new_id(), State.LISTENING, SimpleNamespace(org_id=ORG)
        self.people = call.people
        self.people.live.stream = self.stream
        self.told: list[dict[str, Any]] = []
        self.fed: list[bytes] = []
        ticket = Ticket(new_id(), ORG, self.call_id, new_id(), "Ada", "rep", None, seat, 0, 60)
        self.presence = Presence(ticket, cast(LiveCall, self))
        self.presence.opened(self)
        self._seq = 0

    def put(self, signal: PersonActs) -> None:
        self.people.take(signal, connected=True)

    def tell(self, message: messages.Sent) -> None:
        self.told.append(msgspec.msgpack.decode(messages.write(message)))

    def feed(self, frame: bytes) -> None:
        self.fed.append(frame)

    def end(self, code: str, sentence: str) -> None: ...

    def happens(self, body: events.Body) -> None:
        self._seq += 1
        self.people.live.note(events.Event(ORG, self.call_id, 1, self._seq, utc_now(), body))

    async def ask(self, do: str, **fields: Any) -> str:
        """Return the word that it is answered with, or the code that it is refused with."""
        verb = verbs.VERBS[do]
        try:
            return (await verb.obey(cast(Place, self), verb.body(**fields))).word
        except NotDone as error:
            return error.code


def visited(scene: Callable[[Caller, Visit], Awaitable[None]], seat: Seat = Seat.SUPERVISOR) -> None:
    async def at_once(call: Caller) -> None:
        visit = Visit(call, seat)
        visit.happens(events.Answered())
        await visit.presence.act(Join())
        await scene(call, visit)

    play(at_once)


def test_listening_begins_and_ends_with_a_word_and_with_the_person() -> None:
    async def scene(call: Caller, visit: Visit) -> None:
        for _ in range(2):
            assert await visit.ask("listen", on=True) == ""
            await call.talk.live(600)
            assert visit.fed
            await visit.ask("listen", on=False)
            visit.fed.clear()
            await call.talk.live(300)
            assert not visit.fed
        await visit.ask("listen", on=True)
        await visit.presence.act(Leave())
        await call.talk.live(300)
        assert not visit.fed
        assert await visit.ask("listen", on=True) == "not_in_call"
        await call.talk.live(300)
        assert not visit.fed

    visited(scene)


def test_what_a_call_tells_is_passed_on_as_it_is_until_it_is_over() -> None:
    async def scene(call: Caller, visit: Visit) -> None:
        assert await visit.ask("follow") == ""
        visit.happens(events.BargedIn(1, 500, 180))
        assert [(message["say"], message["kind"]) for message in visit.told] == [
            ("live", "call.answered"),
            ("live", "turn.barged_in"),
        ]
        await call.talk.live(600)
        assert visit.fed, "levels"
        await visit.ask("follow", after=1)
        assert [message["seq"] for message in visit.told] == [1, 2, 2]
        call.people.close()
        visit.fed.clear()
        visit.happens(events.BargedIn(2, 500, 180))
        await call.talk.live(600)
        assert len(visit.told) == 3
        assert not visit.fed
        visit.happens(events.Closed())
        assert await visit.ask("follow") == "call_over"

    visited(scene)


def test_the_organisations_calls_are_supervisors_to_follow() -> None:
    async def scene(call: Caller, visit: Visit) -> None:
        assert await visit.ask("follow_org", after="5-1") == ""
        assert list(visit.stream.followers.values()) == ["5-1"]
        assert await visit.ask("follow_org", after="yesterday") == "bad_place"
        assert await visit.ask("follow_org") == ""
        assert await visit.ask("follow_org", on=False) == ""
        assert not visit.stream.followers
        await visit.ask("follow_org")
        call.people.close()
        assert not visit.stream.followers
        call.people.live.stream = None
        assert await visit.ask("follow_org") == "not_here"

    visited(scene)


@pytest.mark.parametrize(
    ("do", "fields", "code"),
    [
        ("follow_org", {}, "supervisors_only"),
        ("whisper", {"text": "offer ten per cent"}, "supervisors_only"),
        ("take_over", {}, "no_audio"),
        ("hand_back", {"agreed": "an offer"}, "not_yours"),
    ],
)
def test_what_a_rep_without_sound_is_refused(do: str, fields: dict[str, Any], code: str) -> None:
    async def scene(call: Caller, visit: Visit) -> None:
        assert await visit.ask(do, **fields) == code

    visited(scene, Seat.REP)


@pytest.mark.parametrize("shown", [True, False])
def test_whether_reps_see_who_listens_is_the_operators_to_say(shown: bool) -> None:
    async def scene(call: Caller, visit: Visit) -> None:
        call.people.live.shows_listeners = shown
        visit.happens(events.PersonJoined("p9", "Ines", new_id(), "listener"))
        await visit.ask("follow")
        assert any(message["kind"] == "person.joined" for message in visit.told) is shown

    visited(scene, Seat.REP)
