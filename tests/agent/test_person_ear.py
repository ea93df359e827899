"""One person's words: taken down utterance by utterance, and a recogniser that fails costs no more than words."""

import asyncio
from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.person_ear import AGAIN_S, OPEN_TIMEOUT_S, STOP_MS, PersonEar
from agent.stt.port import Feeding, Recognizer, Transcript, TranscriptionUnavailable
from bench.fakes import InstantRecognizer
from media.activity.detector import VoiceEnded
from media.activity.silero import ActivityStream, OnProbability, Silero
from media.codec.g711 import Samples
from media.frame import FRAME_MS, FRAME_SAMPLES
from tests.virtual_clock import run_virtual

VOICE: Samples = (np.sin(np.arange(FRAME_SAMPLES) / 3) * 9_000).astype(np.int16)
LATER_MS = 60_000  # into the call


@dataclass
class Ulaw(InstantRecognizer):
    """Takes µ-law, and fails at times."""

    feeding = Feeding(ulaw=True)
    texts: list[str] = field(default_factory=lambda: ["we can do that", "by Friday"])
    fed: int = 0
    closed: bool = False

    def feed(self, audio: bytes) -> None:
        self.fed += len(audio)

    async def finish(self) -> Transcript:
        text = self.texts.pop(0)
        if not text:
            raise TranscriptionUnavailable
        return Transcript(text)

    async def aclose(self) -> None:
        self.closed = True


class Person:
    def __init__(self, recognizer: Ulaw, faults: int = 0, *, hangs: bool = False) -> None:
        self.recognizer = recognizer
        self.said: list[tuple[str, VoiceEnded]] = []
        self.tries = 0
        self._faults = faults
        self._hangs = hangs
        self._silero = Silero(later=lambda _delay_s, _work: None)
        self._loop = asyncio.get_running_loop()
        self.ear = PersonEar(self._open_activity, self._open, self._now, lambda *said: self.said.append(said))

    def _open_activity(self, on_probability: OnProbability) -> ActivityStream:
        self._on_probability = on_probability
        self.activity = self._silero.open(on_probability)
        return self.activity

    async def _open(self) -> Recognizer:
        self.tries += 1
        if self.tries <= self._faults:
            if self._hangs:
                await asyncio.Event().wait()
            raise TranscriptionUnavailable
        return self.recognizer

    def _now(self) -> int:
        return LATER_MS + round(self._loop.time() * 1_000)

    async def speak(self, ms: int, *, voice: bool) -> None:
        for number in range(ms // FRAME_MS):
            await asyncio.sleep(FRAME_MS / 1_000)
            self.ear.hear(VOICE if voice else None)
            if number % 2:  # the network is no part of this
                self._on_probability(float(voice), self._now(), 0.2 * voice)


def listened(person_args: tuple[Ulaw, int], *, hangs: bool = False, wait_s: float = 0.0) -> Person:
    async def main() -> Person:
        person = Person(*person_args, hangs=hangs)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(person.ear.run())
            await person.speak(200, voice=False)
            await asyncio.sleep(wait_s)
            for _ in range(2):
                await person.speak(1_000, voice=True)
                await person.speak(STOP_MS + 300, voice=False)
            running.cancel()
        return person

    return run_virtual(main())


def test_each_utterance_is_told_with_its_place_on_the_calls_timeline() -> None:
    person = listened((Ulaw(), 0))
    assert [text for text, _ in person.said] == ["we can do that", "by Friday"]
    first, second = (voice for _, voice in person.said)
    assert LATER_MS < first.first_voiced_ms < first.last_voiced_ms < second.first_voiced_ms
    assert person.recognizer.fed > 2 * 900 * 8, "a byte a sample"
    assert person.recognizer.closed
    assert person.activity.slot == -1, "the voice detector's place is free again"


def test_a_recogniser_that_fails_costs_one_utterance() -> None:
    assert [text for text, _ in listened((Ulaw(texts=["", "by Friday"]), 0)).said] == ["by Friday"]


@pytest.mark.parametrize("hangs", [False, True])
def test_one_that_cannot_be_had_is_asked_for_again(hangs: bool) -> None:
    person = listened((Ulaw(), 2), hangs=hangs, wait_s=2 * AGAIN_S + 2 * OPEN_TIMEOUT_S * hangs)
    assert person.tries == 3
    assert len(person.said) == 2


def test_words_said_before_there_is_one_are_lost_and_nothing_breaks() -> None:
    person = listened((Ulaw(), 1))
    assert person.said == []
    assert person.tries == 1
