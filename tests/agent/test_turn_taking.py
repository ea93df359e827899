"""From the voice activity's signals to the conversation's, on a clock of our own."""

import asyncio
from dataclasses import dataclass, field

import pytest

from agent.signals import DeadAir, ProbableEnd
from agent.stt.port import TurnSign
from agent.turn_taking import TurnTaking
from agent.turns.ending import LONGEST_MS, SILENCE_MS
from agent.turns.judge import OnJudged
from agent.turns.word_lists import lists_for
from media.activity.detector import VoiceEnded, VoicePaused, VoiceResumed, VoiceSignal, VoiceStarted

FRAME = bytes(320)


@dataclass
class Room:
    """The part of a room that is used; its timeline is the loop's clock, in ms."""

    ended: int = 0
    voice_begins: bool = False
    hush_rms: float = 0.0
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    @property
    def now(self) -> int:
        return round((asyncio.get_running_loop().time() - self.began) * 1_000)

    def sounding(self) -> bytes:
        return b""

    def end_voice(self) -> None:
        self.ended += 1


@dataclass
class Judge:
    """Keeps what it is asked, to be answered by the test."""

    asked: list[tuple[bytes, OnJudged]] = field(default_factory=list)

    def ask(self, pcm: bytes, answer: OnJudged) -> None:
        self.asked.append((pcm, answer))


class Taken:
    def __init__(self, judge: Judge | None = None) -> None:
        self.put: list[VoiceSignal | ProbableEnd | DeadAir] = []
        self.room = Room()
        self.taking = TurnTaking(self.put.append, lists_for("en"), judge)
        self.taking.attach(self.room)

    @property
    def probable(self) -> int:
        return sum(isinstance(signal, ProbableEnd) for signal in self.put)

    @property
    def dead_airs(self) -> int:
        return sum(isinstance(signal, DeadAir) for signal in self.put)

    @property
    def ends(self) -> list[VoiceEnded]:
        return [signal for signal in self.put if isinstance(signal, VoiceEnded)]

    def speak_and_pause(self, text: str = "", silent_ms: int = 128) -> None:
        """Report an utterance of a second up to a pause that has lasted for a while."""
        now = self.room.now
        self.taking.on_voice(VoiceStarted(now - 1_000, now - 900))
        for _ in range(50):
            self.taking.hear(FRAME)
        if text:
            self.taking.understood(text)
        self.taking.on_voice(VoicePaused(now - 1_000, now - silent_ms, now))


async def test_silence_alone_ends_a_turn_of_which_nothing_is_known() -> None:
    taken = Taken()
    taken.speak_and_pause(silent_ms=SILENCE_MS - 200)
    assert not taken.ends
    async with asyncio.timeout(5):
        while not taken.ends:  # noqa: ASYNC110 - the timer is what is tested
            await asyncio.sleep(0.001)
    assert taken.room.ended == 1
    # The voice activity's own end, later, is another one's no more.
    taken.taking.on_voice(VoiceEnded(0, 1_000, 2_600))
    assert len(taken.ends) == 1


async def test_a_sound_that_is_finished_ends_it_at_once() -> None:
    judge = Judge()
    taken = Taken(judge)
    first_voiced_ms = taken.room.now - 1_000
    taken.speak_and_pause("tomorrow at ten", silent_ms=340)
    pcm, answer = judge.asked[0]
    assert len(pcm) == 50 * len(FRAME)  # the turn and the half second before it
    assert not taken.ends
    answer(0.97)
    assert [(end.first_voiced_ms, end.last_voiced_ms) for end in taken.ends] == [
        (first_voiced_ms, taken.ends[0].last_voiced_ms)
    ]


async def test_a_hesitation_is_not_cut_and_what_follows_belongs_to_it() -> None:
    judge = Judge()
    taken = Taken(judge)
    taken.speak_and_pause("my number is um", silent_ms=500)
    judge.asked[0][1](0.95)
    assert not taken.ends
    assert not taken.probable
    now = taken.room.now
    taken.taking.on_voice(VoiceResumed(now - 1_000, now))
    taken.taking.understood("my number is um five five five oh one two three four five six")
    taken.taking.on_voice(VoicePaused(now - 1_000, now - 400, now))
    assert len(taken.ends) == 1


async def test_what_was_said_of_a_former_pause_is_stale() -> None:
    judge = Judge()
    taken = Taken(judge)
    taken.speak_and_pause(silent_ms=340)
    now = taken.room.now
    taken.taking.on_voice(VoiceResumed(now - 1_000, now))
    taken.taking.on_voice(VoicePaused(now - 1_000, now - 340, now))
    judge.asked[0][1](0.99)
    assert not taken.ends
    judge.asked[1][1](0.99)
    assert len(taken.ends) == 1
    judge.asked[1][1](0.99)
    assert len(taken.ends) == 1


async def test_a_probable_end_is_told_once_a_pause_and_again_with_other_words() -> None:
    taken = Taken()
    taken.speak_and_pause("what does it cost")
    taken.taking.understood("what does it cost")
    assert taken.probable == 1
    taken.taking.understood("what does it cost please")
    assert taken.probable == 2
    assert not taken.ends


LOUD = (1_000).to_bytes(2, "little") * 160


@pytest.mark.parametrize(
    ("text", "quiet_frames", "told"),
    [("What does it cost?", 3, 1), ("What does it cost?", 2, 0), ("what does it", 3, 0), ("", 3, 0)],
    ids=["whole words and a hush", "no hush yet", "words that go on", "nothing understood"],
)
async def test_who_has_said_something_whole_and_is_quiet_has_probably_ended_before_the_pause_is_known(
    text: str, quiet_frames: int, told: int
) -> None:
    taken = Taken()
    taken.room.hush_rms = 0.01
    taken.taking.on_voice(VoiceStarted(0, 100))
    for _ in range(5):
        taken.taking.hear(LOUD)
    for _ in range(quiet_frames):
        taken.taking.hear(FRAME)
    if text:
        taken.taking.understood(text)
    assert taken.probable == told
    taken.taking.hear(FRAME)
    assert taken.probable <= 1, "told once"


async def test_who_goes_on_and_is_quiet_again_has_probably_ended_again() -> None:
    taken = Taken()
    taken.room.hush_rms = 0.01
    now = taken.room.now
    taken.taking.on_voice(VoiceStarted(now - 1_000, now - 900))
    taken.taking.understood("What does it cost?")
    taken.taking.hear(FRAME)
    taken.taking.on_voice(VoicePaused(now - 1_000, now, now))
    taken.taking.on_voice(VoiceResumed(now - 1_000, now))
    assert taken.probable == 1
    taken.taking.hear(FRAME)
    assert taken.probable == 2
    assert not taken.ends


async def test_an_engine_that_listens_for_turns_is_heard() -> None:
    taken = Taken()
    taken.speak_and_pause("what does it cost", silent_ms=130)
    taken.taking.on_sign(TurnSign.PROBABLY_OVER)
    assert taken.probable == 1
    taken.taking.on_sign(TurnSign.OVER)
    assert len(taken.ends) == 1
    taken.taking.on_sign(TurnSign.OVER)
    taken.taking.on_sign(TurnSign.PROBABLY_OVER)
    assert (len(taken.ends), taken.probable) == (1, 1)


async def test_an_engine_that_is_ahead_of_the_pause_ends_the_turn_with_it() -> None:
    taken = Taken()
    now = taken.room.now
    taken.taking.on_voice(VoiceStarted(now - 1_000, now - 900))
    taken.taking.on_sign(TurnSign.OVER)
    assert not taken.ends
    taken.taking.on_voice(VoicePaused(now - 1_000, now - 128, now))
    assert len(taken.ends) == 1


async def test_stopped_it_ends_nothing() -> None:
    judge = Judge()
    taken = Taken(judge)
    taken.speak_and_pause(silent_ms=340)
    taken.taking.stop()
    judge.asked[0][1](0.99)
    assert not taken.ends


async def test_the_voice_activity_ends_what_the_evidence_leaves_open() -> None:
    taken = Taken()
    taken.speak_and_pause("and then um")
    now = taken.room.now
    taken.taking.on_voice(VoiceEnded(now - 1_000, now - LONGEST_MS, now))
    assert len(taken.ends) == 1
    assert taken.room.ended == 0


async def test_dead_air_is_told_each_three_seconds_while_neither_side_is_heard() -> None:
    taken = Taken()
    for _ in range(450):
        taken.taking.hear(FRAME)
    assert taken.dead_airs == 3
    taken.taking.on_voice(VoiceStarted(0, 96))
    for _ in range(450):
        taken.taking.hear(FRAME)
    assert taken.dead_airs == 3


@pytest.mark.parametrize("goes_on", [True, False])
async def test_a_turn_is_not_ended_while_something_that_may_be_a_voice_begins(*, goes_on: bool) -> None:
    taken = Taken()
    taken.room.voice_begins = True
    taken.speak_and_pause(silent_ms=SILENCE_MS + 10)
    assert not taken.ends
    if goes_on:
        now = taken.room.now
        taken.taking.on_voice(VoiceResumed(now - 1_000, now))
        await asyncio.sleep(0.15)
        assert not taken.ends
        return
    async with asyncio.timeout(5):
        while not taken.ends:  # noqa: ASYNC110 - the timer is what is tested
            await asyncio.sleep(0.001)
