"""A call that a person has placed, on its sound: Maria calls, and talks in the agent's place."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import numpy as np

from agent.llm.port import EventName, Role
from events import call as events
from events.plan import Holder
from events.ticket import Seat
from telephony.call import person_acts as acts
from telephony.call.people import LOST_S, MUSIC_S
from telephony.call.person_acts import Done, Person, Refused, Word, seat_id
from tests.agent.aside_stage import talking
from tests.media.call import Outlet
from tests.telephony.call.people_stage import JOHN, LEVEL, LOUD, MARIA, Caller
from tests.virtual_clock import run_virtual

MARIAS: Final = Person(seat_id(Seat.REP, MARIA.user_id), "Maria", MARIA.user_id, Seat.REP)


def ring(scene: Callable[[Caller], Awaitable[None]]) -> Caller:
    """Play a scene in a call that Maria has placed, and that rings."""

    async def main() -> Caller:
        async with talking() as talk, asyncio.TaskGroup() as tasks:
            call = Caller(talk, tasks, None, Holder(MARIA.user_id, "Maria"))
            await scene(call)
        return call

    return run_virtual(main())


def test_whoever_placed_a_call_comes_while_it_rings_and_talks_from_the_first_moment() -> None:
    async def scene(call: Caller) -> None:
        stranger = call.do(JOHN, acts.Join(Outlet()))
        assert isinstance(stranger, Refused)
        assert stranger.code == "not_connected"
        outlet = call.join(MARIAS)
        await call.talk.live(1_000)
        assert not outlet.heard
        early = call.do(MARIAS, acts.Hold(True))
        assert isinstance(early, Refused)
        assert early.code == "not_connected"
        assert np.max(np.abs(call.heard(1_000).astype(int))) < LOUD, "what is said while it rings is for nobody"
        call.answer()
        await call.talk.live(2_000)
        assert np.all(np.abs(call.heard(1_500).astype(int) - LEVEL) < LEVEL * 0.05), "Maria, and nothing of the agent"
        assert outlet.heard
        await call.talk.caller_says("who is there")
        await call.talk.live(round(LOST_S * 1_000))
        assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.HUNG_UP, "nobody was put through"

    call = ring(scene)
    assert call.talk.witness.turns() == ["who is there"]
    assert not call.talk.model.requests
    assert [(b.to, b.name) for b in call.told(events.WordPassed) if isinstance(b, events.WordPassed)] == [
        ("person", "Maria")
    ]
    assert len(call.told(events.PersonJoined)) == 1


def test_whoever_is_not_there_when_it_is_answered_is_waited_for_then_the_agent_opens() -> None:
    async def scene(call: Caller) -> None:
        assert call.do(MARIAS, acts.Join()) == Done(Word.PERSON), "their page, without a microphone yet"
        call.answer()
        await call.talk.live(round(MUSIC_S * 1_000) + 1_000)
        assert "One moment, please." in call.talk.witness.turns(events.Speaker.AGENT)
        assert call.word() is Word.HELD
        await call.talk.live(round((LOST_S - MUSIC_S) * 1_000))
        assert call.word() is Word.AGENT

    call = ring(scene)
    (role, note), last = call.talk.model.asked(0)
    assert role is Role.NOTE
    assert "Your colleague Maria placed this call and could not be connected" in note
    assert "open as you always do" in note
    assert last == (Role.EVENT, EventName.ANSWERED), "with its greeting, and all that must be disclosed"


def test_whoever_comes_late_has_the_call_all_the_same() -> None:
    async def scene(call: Caller) -> None:
        call.answer()
        await call.talk.live(10_000)
        assert call.word() is Word.HELD
        call.join(MARIAS)
        await call.talk.live(round(LOST_S * 1_000))
        assert call.word() is Word.PERSON
        assert np.all(np.abs(call.heard(500).astype(int) - LEVEL) < LEVEL * 0.05)

    assert not ring(scene).talk.model.requests


def test_whoever_leaves_while_it_rings_is_waited_for_and_may_come_again() -> None:
    async def scene(call: Caller) -> None:
        call.join(MARIAS, talks=False)
        assert isinstance(call.do(MARIAS, acts.Leave()), Done)
        await call.talk.live(3_000)
        call.answer()
        await call.talk.live(1_000)
        call.join(MARIAS)
        await call.talk.live(1_000)
        assert np.all(np.abs(call.heard(500).astype(int) - LEVEL) < LEVEL * 0.05)

    ring(scene)


def test_an_agent_that_never_spoke_opens_when_it_gets_the_call_and_knows_what_was_said() -> None:
    async def scene(call: Caller) -> None:
        call.join(MARIAS)
        call.answer()
        await call.talk.live(500)
        await call.talk.caller_says("send me the offer")
        assert call.do(MARIAS, acts.HandBack("an offer by Friday")) == Done(Word.AGENT)
        assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.HUNG_UP
        await call.talk.until_speaking()
        call.do(MARIAS, acts.TakeOver())
        assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.TRANSFERRED

    call = ring(scene)
    (_, note), last = call.talk.model.asked()
    assert "Your colleague Maria placed this call and talked first. They give it back to you now." in note
    assert "Maria tells you: an offer by Friday" in note
    assert "Caller: send me the offer" in note
    assert "open as you always do" in note
    assert last == (Role.EVENT, EventName.ANSWERED)
