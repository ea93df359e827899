"""People in a call, on its sound: who is heard when the word is taken, given back, held, lost."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import UUID

import numpy as np

from agent.llm.port import EventName, Role
from agent.person_ear import PersonEars
from agent.signals import LineGone
from agent.stt.port import Recognizer, Transcript
from bench.fakes import InstantRecognizer
from events import call as events
from events.plan import Holder
from events.ticket import Seat
from media.activity.silero import Silero
from media.codec import g711
from media.codec.g711 import Samples
from media.conference import PARTIES_MAX
from media.frame import FRAME_SAMPLES
from media.party import Role as Part
from telephony.call import person_acts as acts
from telephony.call.people import LOST_S, MUSIC_S, PATIENCE_S, SEATS_MAX, CallPeople
from telephony.call.person_acts import Act, Answer, Done, Person, PersonActs, Refused, Word, seat_id
from telephony.call.signals import CallSignal
from telephony.call.timers import Timers
from telephony.supervisor.live import Live
from tests.agent.aside_stage import Talk, talking
from tests.media.call import Outlet
from tests.virtual_clock import run_virtual

LEVEL = 4_000
LOUD = 400  # the agent's tone and the rep's level are above it; silence and fades' ends are below


class Caller:
    """One call with people; `speaks` holds who has a headset and talks all the time."""

    def __init__(
        self,
        talk: Talk,
        tasks: asyncio.TaskGroup,
        open_ear: Callable[[], Awaitable[Recognizer]] | None,
        holder: Holder | None = None,
    ):
        """`holder`: who has placed the call; it rings until `answer`."""
        self.talk, self._tasks = talk, tasks
        self.silero = Silero(later=lambda _delay_s, _work: None)
        self.people = CallPeople(
            talk.room,
            talk.conversation,
            talk.witness.emit,
            Timers(self._due),
            PersonEars(self.silero.open, open_ear, lambda: talk.room.now),
            asyncio.get_running_loop().time,
            Live(),
        )
        self.people.expect(holder)
        self.connected = False
        if holder is None:
            self.answer()
        self._speaking: dict[str, int] = {}
        talk.each_frame = self._each_frame

    def answer(self) -> None:
        self.people.start(self._tasks)
        self.connected = True

    def _due(self, signal: CallSignal) -> None:
        assert isinstance(signal, acts.PersonMissed)
        self.people.take(signal, connected=self.connected)

    def do(self, person: Person, act: Act) -> Answer:
        answers: list[Answer] = []
        self.people.take(PersonActs(person, act, answers.append), connected=self.connected)
        (answer,) = answers
        return answer

    def join(self, person: Person, role: Part = Part.LISTENER, *, talks: bool = True) -> Outlet:
        outlet = Outlet()
        done = self.do(person, acts.Join(outlet, role))
        assert isinstance(done, Done)
        if talks:
            self._speaking.setdefault(person.id, 0)
        return outlet

    def _each_frame(self) -> None:
        for seated in self.people.seated:
            if seated.party is not None and seated.person.id in self._speaking:
                number = self._speaking[seated.person.id]
                self._speaking[seated.person.id] += 1
                pcm = np.full(FRAME_SAMPLES, LEVEL, np.int16)
                seated.party.spoke(number, pcm, asyncio.get_running_loop().time() * 1_000)

    def heard(self, ms: int) -> Samples:
        """What the prospect heard last."""
        return g711.decode(self.talk.line.until_now())[-ms * 8 :]

    def word(self) -> Word:
        return self.people.standing.word

    def told(self, kind: type) -> list[events.Body]:
        return [body for body in self.talk.witness.told if isinstance(body, kind)]


MARIA = Person("p1", "Maria", UUID(int=1), Seat.REP)
JOHN = Person("p2", "John", UUID(int=2), Seat.REP)
INES = Person("p3", "Ines", UUID(int=3), Seat.SUPERVISOR)


def play(
    scene: Callable[[Caller], Awaitable[None]], open_ear: Callable[[], Awaitable[Recognizer]] | None = None
) -> Caller:
    """Play a scene in which the agent has begun to greet."""

    async def main() -> Caller:
        async with talking() as talk, asyncio.TaskGroup() as tasks:
            call = Caller(talk, tasks, open_ear)
            await talk.until_speaking()
            await scene(call)
            for seated in call.people.seated:
                if seated.listening is not None:
                    seated.listening.cancel()
        return call

    return run_virtual(main())


def silent_ms(sound: Samples) -> int:
    """The longest stretch without sound."""
    longest = run = 0
    for frame in sound[: len(sound) // 80 * 80].reshape(-1, 80):
        run = run + 10 if np.max(np.abs(frame.astype(int))) < LOUD else 0
        longest = max(longest, run)
    return longest


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


# A call that a person has placed: Maria calls, and talks in the agent's place

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
