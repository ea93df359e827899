"""A caller's message, from its words to its end, on a clock that jumps."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest

from agent import message_taking
from agent import signals as sig
from agent.message_taking import LONGEST_S, PAUSE_S, SPEAK_UP_S, TONE_HZ, TONE_MS, MessageTaking, tone
from agent.overheard import Overheard
from agent.stock_phrases import ENGLISH
from events.call import Outcome
from media.codec import g711
from media.room import Room
from tests.virtual_clock import run_virtual

SAY_MS = 2_000


@dataclass
class Mouth:
    """The room's voice: what is put into it is heard in time."""

    began_s: float = 0.0
    length_ms: int = 0
    tones: int = 0

    @property
    def heard_ms(self) -> int:
        return min(self.length_ms, round((asyncio.get_running_loop().time() - self.began_s) * 1_000))

    def begin_reply(self) -> None:
        self.began_s, self.length_ms = asyncio.get_running_loop().time(), 0

    def append(self, ulaw: bytes, *, leveled: bool) -> None:
        assert not leveled, "a tone is as loud as it is"
        self.tones += 1
        self.length_ms += len(ulaw) // 8

    def complete_reply(self) -> None:
        pass


@dataclass
class Hall:
    """The room: the caller speaks between these times, in s."""

    spoken: tuple[tuple[float, float], ...] = ()
    voice: Mouth = field(default_factory=Mouth)

    @property
    def now(self) -> int:
        return round(asyncio.get_running_loop().time() * 1_000)

    @property
    def voice_now(self) -> bool:
        return any(first <= self.now / 1_000 < last for first, last in self.spoken)


@dataclass
class Taken:
    said: list[str] = field(default_factory=list)
    disclosed_ms: int = 0
    messages: list[tuple[int, int]] = field(default_factory=list)
    ends: list[sig.LineGone] = field(default_factory=list)
    ended_s: float = 0.0
    outcome: Outcome | None = None

    def disclosed(self, at_ms: int) -> None:
        self.disclosed_ms = at_ms

    def message_taken(self, began_ms: int, ended_ms: int) -> None:
        self.messages.append((began_ms, ended_ms))


def take(*spoken: tuple[float, float], key_at_s: float = 0.0, gone_at_s: float = 0.0, greeting: str = "") -> Taken:
    """Take a message of somebody who speaks between those times."""

    async def all_of_it() -> Taken:
        taken, hall = Taken(), Hall(spoken)

        async def say(words: str) -> int:
            hall.voice.begin_reply()
            hall.voice.length_ms = SAY_MS
            taken.said.append(words)
            return SAY_MS

        made = MessageTaking(ENGLISH, greeting, cast(Room, hall), say, cast(Overheard, taken), taken.ends.append)
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(made.run())
            if key_at_s:
                loop.call_later(key_at_s, made.pressed)
            if gone_at_s:
                loop.call_later(gone_at_s, running.cancel)
        made.close()
        taken.ended_s, taken.outcome = loop.time(), made.outcome(None)
        assert made.outcome(Outcome.OPTED_OUT) is Outcome.OPTED_OUT
        return taken

    return run_virtual(all_of_it())


READY_S = (SAY_MS + TONE_MS) / 1_000  # the tone is over


def test_a_message_ends_with_their_silence() -> None:
    taken = take((4.0, 6.0), (8.0, 9.0), greeting="You have reached us.")
    assert taken.said == ["You have reached us.", ENGLISH.leave_message, ENGLISH.message_taken]
    ((began_ms, ended_ms),) = taken.messages
    assert 2 * SAY_MS + TONE_MS <= began_ms <= 2 * SAY_MS + TONE_MS + 400
    assert ended_ms == pytest.approx(9_000, abs=150)
    assert taken.ended_s == pytest.approx(9 + PAUSE_S + SAY_MS / 1_000, abs=0.4)
    assert (taken.outcome, taken.ends) == (Outcome.VOICEMAIL, [sig.LineGone(Outcome.VOICEMAIL, "")])
    assert 2 * SAY_MS <= taken.disclosed_ms <= 2 * SAY_MS + 300, "recorded from the end of the words that say so"


def test_who_says_nothing_is_missed() -> None:
    taken = take()
    assert (taken.outcome, taken.messages, len(taken.ends)) == (Outcome.MISSED, [], 1)
    assert taken.ended_s == pytest.approx(READY_S + SPEAK_UP_S + SAY_MS / 1_000, abs=0.6)


def test_a_key_ends_it_but_not_before_it_begins() -> None:
    assert take((4.0, 30.0), key_at_s=1.0).ended_s > 30
    taken = take((4.0, 30.0), key_at_s=6.0)
    assert taken.ended_s == pytest.approx(6 + SAY_MS / 1_000, abs=0.4)
    assert taken.outcome is Outcome.VOICEMAIL


def test_nobody_talks_for_ever() -> None:
    taken = take((3.0, 10_000.0))
    assert taken.ended_s == pytest.approx(READY_S + LONGEST_S + SAY_MS / 1_000, abs=0.6)
    assert taken.outcome is Outcome.VOICEMAIL


@pytest.mark.parametrize(
    ("gone_at_s", "outcome"), [(1.0, Outcome.MISSED), (3.5, Outcome.MISSED), (5.0, Outcome.VOICEMAIL)]
)
def test_who_hangs_up_has_left_what_they_said(gone_at_s: float, outcome: Outcome) -> None:
    taken = take((4.0, 20.0), gone_at_s=gone_at_s)
    assert (taken.outcome, taken.ends) == (outcome, [])
    assert len(taken.messages) == (outcome is Outcome.VOICEMAIL)


def test_a_voice_that_fails_leaves_the_tone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.agent.test_message_taking.SAY_MS", 0)
    taken = take((2.0, 3.0))
    assert taken.outcome is Outcome.VOICEMAIL


def test_the_tone_is_one_and_does_not_click() -> None:
    pcm: Any = g711.decode(tone()).astype(float)
    assert len(pcm) == TONE_MS * 8
    assert np.argmax(np.abs(np.fft.rfft(pcm))) * 1_000 / TONE_MS == pytest.approx(TONE_HZ, abs=2)
    assert np.abs(pcm[:4]).max() < np.abs(pcm).max() / 8
    assert np.abs(pcm).max() == pytest.approx(message_taking.TONE_PEAK, rel=0.05)
