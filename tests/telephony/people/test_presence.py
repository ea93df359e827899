"""Who is in a call: back by a token once, replaced by the next page, forgotten after a while, told when it is over."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import msgspec
import pytest

from events.call import State
from events.ids import new_id
from events.ticket import Seat, Ticket
from telephony.call.ending import Endings, EndsSoon, Why
from telephony.call.person_acts import Act, Done, Hold, Join, Leave, Lost, PersonActs, Refused, Standing, Word
from telephony.people import messages
from telephony.people import presence as module
from telephony.people.presence import LiveCall, NotDone, Presence, Presences


class FakeCall:
    """Answers every act at once, or never."""

    def __init__(self) -> None:
        self.call_id = new_id()
        self.plan = SimpleNamespace(org_id=new_id())
        self.state = State.LISTENING
        self.people = SimpleNamespace(
            standing=Standing("p", "Ada"), endings=Endings(lambda: 0.0), when_gone=lambda *_: True
        )
        self.acts: list[Act] = []
        self.answer: Done | Refused | None = Done(Word.AGENT)

    def put(self, signal: PersonActs) -> None:
        self.acts.append(signal.act)
        if self.answer is not None:
            signal.answer(self.answer)


class FakePage:
    def __init__(self) -> None:
        self.told: list[msgspec.Struct | msgspec.Raw] = []
        self.ends: list[str] = []

    def tell(self, message: msgspec.Struct | msgspec.Raw) -> None:
        self.told.append(message)

    def feed(self, frame: bytes) -> None: ...

    def end(self, code: str, sentence: str) -> None:
        self.ends.append(code)


def ticket(call: FakeCall, user_id: UUID | None = None, seat: Seat = Seat.REP) -> Ticket:
    return Ticket(new_id(), call.plan.org_id, call.call_id, user_id or new_id(), "Ada", "rep", new_id(), seat, 0, 60)


def presence(call: FakeCall) -> Presence:
    return Presence(ticket(call), cast(LiveCall, call))


class Hall:
    """Presences whose timers are run by hand."""

    def __init__(self) -> None:
        self.timers: list[Callable[[], None]] = []
        self.presences = Presences(lambda _delay_s, work: self.timers.append(work))

    def enter(self, one: Ticket, call: FakeCall) -> tuple[Presence, FakePage]:
        entered, page = self.presences.enter(one, cast(LiveCall, call)), FakePage()
        entered.opened(page)
        return entered, page


async def test_an_act_is_the_calls_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    call = FakeCall()
    here = presence(call)
    assert (await here.act(Hold(True))).word is Word.AGENT
    call.answer = Refused("taken", "Bob has it.")
    with pytest.raises(NotDone, match="taken"):
        await here.act(Hold(True))
    monkeypatch.setattr(module, "ACT_TIMEOUT_S", 0.01)
    call.answer = None
    with pytest.raises(NotDone, match="call_over"):
        await here.act(Hold(True))


def test_the_next_page_of_a_person_takes_the_place_of_the_first() -> None:
    hall, call, user_id = Hall(), FakeCall(), new_id()
    first, one = hall.enter(ticket(call, user_id), call)
    token = first.rejoin
    second, two = hall.enter(ticket(call, user_id), call)
    assert second is first
    assert (one.ends, two.ends) == (["replaced"], [])
    assert first.rejoin != token
    hall.presences.closed(first, one)
    assert not call.acts, "the socket that went is not the one they are there by"
    assert first.present


def test_a_token_is_good_once_and_while_one_is_waited_for() -> None:
    hall, call = Hall(), FakeCall()
    here, page = hall.enter(ticket(call), call)
    token = here.rejoin
    hall.presences.closed(here, page)
    assert call.acts == [Lost()]
    assert hall.presences.back(token) is here
    here.opened(FakePage())
    assert hall.presences.back(token) is None
    (forget,) = hall.timers
    forget()
    assert hall.presences.back(here.rejoin) is here, "they came back in time"
    for wrong in ("", "x", token[:-1]):
        assert hall.presences.back(wrong) is None


def test_who_does_not_come_back_is_forgotten() -> None:
    hall, call = Hall(), FakeCall()
    here, page = hall.enter(ticket(call), call)
    hall.presences.closed(here, page)
    again = FakePage()
    here.opened(again)
    hall.presences.closed(here, again)
    token = here.rejoin
    hall.timers[0]()
    assert hall.presences.back(token) is here, "the second time they went began anew"
    hall.timers[1]()
    assert hall.presences.back(token) is None
    assert len(hall.presences) == 0


def test_another_seat_is_another_presence() -> None:
    hall, call, user_id = Hall(), FakeCall(), new_id()
    first, one = hall.enter(ticket(call, user_id), call)
    second, _ = hall.enter(ticket(call, user_id, Seat.SUPERVISOR), call)
    assert second is not first
    assert (one.ends, call.acts) == (["replaced"], [Leave()])
    assert second.person.id != first.person.id


def test_whoever_is_there_is_told_of_the_end_that_comes() -> None:
    hall, call = Hall(), FakeCall()
    here, page = hall.enter(ticket(call), call)
    here.follow_end()
    call.people.endings.take(EndsSoon(Why.CREDITS, 60.0))
    call.people.endings.take(EndsSoon(Why.CREDITS, None))
    told = [message for message in page.told if isinstance(message, messages.Ending)]
    assert [(one.reason, one.in_s) for one in told] == [("credits", 60.0), ("", 0.0)]
    assert "credits" in told[0].sentence


def test_when_the_call_is_over_so_are_its_pages() -> None:
    hall, call, other = Hall(), FakeCall(), FakeCall()
    _, page = hall.enter(ticket(call), call)
    _, stays = hall.enter(ticket(other), other)
    hall.presences.call_over(call.call_id)
    assert (page.ends, stays.ends) == (["call_over"], [])
    assert len(hall.presences) == 1


async def test_sound_that_is_there_follows_ones_mute() -> None:
    call = FakeCall()
    here = presence(call)
    here.muted = True
    leg: Any = SimpleNamespace(muted=False, party=None)
    await here.join(leg)
    assert leg.muted
    assert call.acts[0] == Join(leg)
    here.lost(leg)
    assert here.leg is None
    assert call.acts[1] == Lost(leg)
