"""People in a call, on its sound: who is heard when the word is taken, given back, held, lost."""

import asyncio
from uuid import UUID

import numpy as np

from agent.llm.port import EventName, Role
from agent.signals import LineGone
from agent.stt.port import Recognizer, Transcript
from bench.fakes import InstantRecognizer
from events import call as events
from events.ticket import Seat
from media.conference import PARTIES_MAX
from media.frame import FRAME_SAMPLES
from media.party import Role as Part
from telephony.call import person_acts as acts
from telephony.call.people import LOST_S, MUSIC_S, PATIENCE_S, SEATS_MAX
from telephony.call.person_acts import Done, Person, Refused, Word
from tests.media.call import Outlet
from tests.telephony.call.people_stage import INES, JOHN, LEVEL, LOUD, MARIA, Caller, play, silent_ms


def test_a_take_over_leaves_no_gap_and_the_agent_is_not_heard_any_more() -> None:
    async def scene(call: Caller) -> None:
        call.join(MARIA)
        await call.talk.live(1_000)
        assert call.do(MARIA, acts.TakeOver()) == Done(Word.PERSON)
        await call.talk.live(2_000)
        sound = call.heard(2_900)
        assert silent_ms(sound) <= 200
        settled = sound[-1_500 * 8 :].astype(int)
        assert np.all(np.abs(settled - LEVEL) < LEVEL * 0.05), "the rep alone, nothing of the agent's tone"

    call = play(scene)
    (turn,) = call.told(events.TurnFinished)
    assert isinstance(turn, events.TurnFinished)
    assert turn.interrupted


def test_two_reps_at_once() -> None:
    async def scene(call: Caller) -> None:
        call.join(MARIA)
        call.join(JOHN)
        await call.talk.live(400)
        assert call.do(JOHN, acts.TakeOver()) == Done(Word.PERSON)
        assert call.do(MARIA, acts.TakeOver()) == Refused("taken", "John has taken this call over already.")
        await call.talk.live(1_000)
        settled = call.heard(500).astype(int)
        assert np.all(np.abs(settled - LEVEL) < LEVEL * 0.05), "one of them is heard, not both"
        roles = {seated.person.id: seated.role for seated in call.people.seated}
        assert roles == {"p1": Part.LISTENER, "p2": Part.REP_ALONE}

    play(scene)


def test_after_the_hand_back_the_agent_speaks_and_knows_what_was_agreed() -> None:
    async def scene(call: Caller) -> None:
        call.join(MARIA)
        await call.talk.live(500)
        call.do(MARIA, acts.TakeOver())
        await call.talk.live(500)
        await call.talk.caller_says("send me the offer")
        assert call.do(MARIA, acts.HandBack("an offer by Friday")) == Done(Word.AGENT)
        await call.talk.until_speaking()
        await call.talk.live(1_000)
        assert not np.any(np.abs(call.heard(500).astype(int) - LEVEL) < 10), "the rep is not heard any more"

    call = play(scene)
    (role, note), last = call.talk.model.asked()[-2:]
    assert role is Role.NOTE
    assert "Maria tells you: an offer by Friday" in note
    assert "Caller: send me the offer" in note
    assert last == (Role.EVENT, EventName.HANDED_BACK)
    assert [(b.to, b.reason, b.agreed) for b in call.told(events.WordPassed) if isinstance(b, events.WordPassed)] == [
        ("person", "", ""),
        ("agent", "", "an offer by Friday"),
    ]


def test_hold_while_the_agent_speaks_is_music_and_the_agent_takes_it_up_again() -> None:
    async def scene(call: Caller) -> None:
        call.join(MARIA, talks=False)
        await call.talk.live(500)
        assert call.do(MARIA, acts.Hold(True)) == Done(Word.HELD)
        await call.talk.live(30_000)
        assert np.any(np.abs(call.heard(2_000).astype(int)) > LOUD), "music"
        assert len(call.talk.model.requests) == 1, "no prompt after silence"
        assert call.do(MARIA, acts.Hold(False)) == Done(Word.AGENT)
        await call.talk.until_speaking()

    call = play(scene)
    assert "on hold for 30 seconds" in call.talk.model.asked()[-2][1]
    assert [body.held for body in call.told(events.CallHeld) if isinstance(body, events.CallHeld)] == [True, False]


def test_a_holder_who_vanishes_is_waited_for_with_a_word_and_music_then_the_agent_takes_it() -> None:
    async def scene(call: Caller) -> None:
        outlet = call.join(MARIA)
        await call.talk.live(500)
        call.do(MARIA, acts.TakeOver())
        await call.talk.live(1_000)
        assert call.do(MARIA, acts.Lost(outlet)) == Done(Word.PERSON)
        await call.talk.live(round(PATIENCE_S * 1_000) - 100)
        assert silent_ms(call.heard(1_500)) > 1_000
        await call.talk.live(round((MUSIC_S - PATIENCE_S) * 1_000))
        assert "One moment, please." in call.talk.witness.turns(events.Speaker.AGENT)
        await call.talk.live(2_000)
        assert call.word() is Word.HELD
        await call.talk.live(round((LOST_S - MUSIC_S) * 1_000))
        assert call.word() is Word.AGENT

    call = play(scene)
    assert "Their connection was lost" in call.talk.model.asked()[-2][1]
    (left,) = call.told(events.PersonLeft)
    assert isinstance(left, events.PersonLeft)
    assert left.reason == "lost"


def test_a_page_that_is_loaded_again_goes_on_as_before() -> None:
    async def scene(call: Caller) -> None:
        before = call.join(MARIA)
        await call.talk.live(500)
        call.do(MARIA, acts.TakeOver())
        await call.talk.live(1_000)
        call.do(MARIA, acts.Lost(before))
        await call.talk.live(1_900)
        after = call.join(MARIA)
        await call.talk.live(round(LOST_S * 1_000) + 2_000)
        assert call.people.standing.holder == MARIA.id
        assert np.all(np.abs(call.heard(500).astype(int) - LEVEL) < LEVEL * 0.05)
        assert len(after.heard) > 900
        # The late word that the first connection is gone changes nothing.
        assert call.do(MARIA, acts.Lost(before)) == Done(Word.PERSON)
        await call.talk.live(1_000)
        assert np.all(np.abs(call.heard(500).astype(int) - LEVEL) < LEVEL * 0.05)

    call = play(scene)
    assert not any("One moment" in turn for turn in call.talk.witness.turns())
    assert len(call.told(events.PersonJoined)) == 1


def phrases(call: Caller) -> list[tuple[str, bool]]:
    """What the caller has heard of words of patience, and whether they were broken off."""
    turns = [body for body in call.told(events.TurnFinished) if isinstance(body, events.TurnFinished)]
    return [(turn.heard_text, turn.interrupted) for turn in turns if turn.text == "One moment, please."]


def test_who_is_back_amid_the_word_of_patience_ends_it_for_good() -> None:
    async def scene(call: Caller) -> None:
        outlet = call.join(MARIA)
        await call.talk.live(500)
        call.do(MARIA, acts.TakeOver())
        call.do(MARIA, acts.Lost(outlet))
        await call.talk.live(round(PATIENCE_S * 1_000) + 900)
        call.join(MARIA)
        await call.talk.live(1_000)
        assert np.all(np.abs(call.heard(500).astype(int) - LEVEL) < LEVEL * 0.05), "the rep alone"
        call.do(MARIA, acts.HandBack())
        await call.talk.until_speaking()
        # To the answer's end: what was left of the phrase would come first, and be taken for the answer's end.
        await call.talk.live(4_000)

    call = play(scene)
    ((heard, cut),) = phrases(call)
    assert (heard, cut) == ("One", True)
    assert call.talk.witness.turns(events.Speaker.AGENT)[-1] == "Well, that is good to know, thank you."


def test_the_word_of_patience_is_not_spoken_over_the_caller() -> None:
    async def scene(call: Caller) -> None:
        outlet = call.join(MARIA)
        await call.talk.live(500)
        call.do(MARIA, acts.TakeOver())
        call.do(MARIA, acts.Lost(outlet))
        await call.talk.live(round(PATIENCE_S * 1_000) + 900)
        call.talk.caller_begins("are you there")
        await call.talk.live(200)
        assert silent_ms(call.heard(150)) > 100
        await call.talk.caller_ends(200)

    assert phrases(play(scene)) == [("One", True)]


def test_back_from_the_music_the_holder_is_heard_again() -> None:
    async def scene(call: Caller) -> None:
        outlet = call.join(MARIA)
        await call.talk.live(500)
        call.do(MARIA, acts.TakeOver())
        call.do(MARIA, acts.Lost(outlet))
        await call.talk.live(10_000)
        assert call.word() is Word.HELD
        call.join(MARIA)
        await call.talk.live(1_000)
        assert call.word() is Word.PERSON
        assert np.all(np.abs(call.heard(500).astype(int) - LEVEL) < LEVEL * 0.05)

    play(scene)


def test_whoever_leaves_with_the_word_leaves_it_to_the_agent() -> None:
    async def scene(call: Caller) -> None:
        call.join(MARIA)
        await call.talk.live(500)
        call.do(MARIA, acts.TakeOver())
        await call.talk.live(500)
        assert call.do(MARIA, acts.Leave()) == Done(Word.AGENT)
        await call.talk.until_speaking()
        assert call.do(MARIA, acts.TakeOver()) == Refused("not_in_call", "You are not in this call: join it first.")

    assert "They have left the call" in play(scene).talk.model.asked()[-2][1]


def test_nobody_joins_a_call_that_is_not_connected() -> None:
    async def scene(call: Caller) -> None:
        call.connected = False
        refused = call.do(MARIA, acts.Join(Outlet()))
        assert isinstance(refused, Refused)
        assert refused.code == "not_connected"

    play(scene)


def test_a_call_takes_so_many_and_says_so() -> None:
    async def scene(call: Caller) -> None:
        for number in range(PARTIES_MAX):
            call.join(Person(f"s{number}", "Ines", UUID(int=9), Seat.SUPERVISOR))
        full = call.do(MARIA, acts.Join(Outlet()))
        assert isinstance(full, Refused)
        assert full.code == "full"
        for number in range(SEATS_MAX - PARTIES_MAX):
            followed = call.do(Person(f"f{number}", "Ines", UUID(int=9), Seat.SUPERVISOR), acts.Join())
            assert isinstance(followed, Done)
        assert isinstance(call.do(MARIA, acts.Join()), Refused)

    play(scene)


class Heard(InstantRecognizer):
    async def finish(self) -> Transcript:
        return Transcript("ten per cent less")


async def heard() -> Recognizer:
    return Heard()


async def speak(call: Caller, person: Person, role: Part) -> None:
    """Have somebody say something in a role: a voice of a second, then silence."""
    outlet = Outlet()
    done = call.do(person, acts.Join(outlet, role))
    assert isinstance(done, Done)
    assert done.party is not None
    for number in range(120):
        pcm = np.zeros(FRAME_SAMPLES, np.int16)
        if 10 < number < 60:
            pcm = (np.sin(np.arange(FRAME_SAMPLES) / 3 + number) * 9_000).astype(np.int16)
        done.party.spoke(number, pcm, asyncio.get_running_loop().time() * 1_000)
        await call.talk.live(20)
        # The network is no part of this: what it would say of such a frame is said here.
        seated = next(one for one in call.people.seated if one.person is person)
        if seated.ear is not None and number % 2:
            end_ms = call.talk.room.now
            seated.ear._on_probability(1.0 if 10 < number < 60 else 0.0, end_ms, 0.2 if 10 < number < 60 else 0.0)


def test_what_a_supervisor_whispers_by_voice_instructs_the_agent_and_is_not_heard() -> None:
    async def scene(call: Caller) -> None:
        await call.talk.live(2_500)
        before = len(call.talk.line.heard)
        await speak(call, INES, Part.WHISPERER)
        assert not any(call.talk.line.heard[before + 4_000 : before + 8_000].replace(b"\xff", b""))

    call = play(scene, heard)
    assert call.told(events.AgentInstructed) == [events.AgentInstructed("ten per cent less", "Ines", True)]
    assert "ten per cent less" not in call.talk.witness.turns()


def test_what_a_barging_supervisor_says_is_a_turn_of_the_call_that_the_agent_knows_of() -> None:
    async def scene(call: Caller) -> None:
        await call.talk.live(2_500)
        await speak(call, INES, Part.BARGER)
        await call.talk.caller_says("is that so")

    call = play(scene, heard)
    assert call.talk.witness.turns(events.Speaker.REP) == ["ten per cent less"]
    assert any(
        role is Role.NOTE and "Ines is in the call too, and said to the caller: ten per cent less" in text
        for role, text in call.talk.model.asked()
    )


def test_nobody_takes_down_what_a_listener_says() -> None:
    async def scene(call: Caller) -> None:
        await speak(call, MARIA, Part.LISTENER)
        (seated,) = call.people.seated
        assert seated.ear is None

    play(scene, heard)


def test_a_prospect_who_hangs_up_on_a_person_was_transferred_to_one() -> None:
    async def scene(call: Caller) -> None:
        call.join(MARIA)
        await call.talk.live(500)
        assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.HUNG_UP
        call.do(MARIA, acts.TakeOver())
        assert call.people.named(events.Outcome.HUNG_UP) is events.Outcome.TRANSFERRED
        assert call.people.named(events.Outcome.OPTED_OUT) is events.Outcome.OPTED_OUT
        call.talk.conversation.put(LineGone(events.Outcome.HUNG_UP, ""))
        await call.talk.live(100)

    play(scene)
