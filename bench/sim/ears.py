"""The simulated call's recognisers and its judge of turns: they know what the prospect said in the frames they got."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.llm.port import Failure
from agent.stt.port import (
    PCM_UTTERANCES,
    Feeding,
    HeardWord,
    OnPartial,
    OnTurn,
    Transcript,
    TranscriptionUnavailable,
    no_turns,
)
from agent.turns.judge import OnJudged
from bench.sim.sound import place_of
from media.frame import FRAME_MS

_PARTIAL_FRAMES: Final = 10
_UNDERSTOOD_SHARE: Final = 0.6  # of a word's frames


@dataclass(frozen=True, slots=True)
class SaidWord:
    """A word of the prospect's, on the timeline."""

    text: str
    start_ms: float
    end_ms: float


@dataclass(slots=True)
class Speech:
    """All that the prospect has said, for whoever hears it; filled as utterances begin."""

    words: list[SaidWord]
    goes_on: Callable[[float], bool]
    """True when, at that place of the timeline, the utterance is not over."""


@dataclass(slots=True)
class EarTrouble:
    """What goes wrong with one engine, each asked once per utterance."""

    final_s: float = 0.15  # from the end to the text
    lag_s: float = 0.2  # of what is understood meanwhile
    fails: Callable[[], bool] = lambda: False
    fails_after_s: float = 0.6
    opens: Callable[[], bool] = lambda: True


class SimRecognizers:
    """Implements `RecognizerFactory`."""

    def __init__(self, name: str, speech: Speech, trouble: EarTrouble, note: Callable[[str, str], None]) -> None:
        self._name = name
        self._speech = speech
        self._trouble = trouble
        self._note = note

    async def open(
        self, phrases: tuple[str, ...], on_partial: OnPartial, on_turn: OnTurn = no_turns
    ) -> "SimRecognizer":
        """Raises TranscriptionUnavailable."""
        await asyncio.sleep(0.05)
        if not self._trouble.opens():
            raise TranscriptionUnavailable(f"{self._name}: away")
        return SimRecognizer(self._name, self._speech, self._trouble, on_partial, self._note)


class SimRecognizer:
    """Implements `Recognizer`."""

    feeding: Feeding = PCM_UTTERANCES

    def __init__(
        self, name: str, speech: Speech, trouble: EarTrouble, on_partial: OnPartial, note: Callable[[str, str], None]
    ) -> None:
        self._name = name
        self._speech = speech
        self._trouble = trouble
        self._on_partial = on_partial
        self._note = note
        self._places: list[int] = []
        self._timers: list[asyncio.TimerHandle] = []

    def begin(self) -> None:
        self._forget()

    def feed(self, audio: bytes) -> None:
        self._places.append(place_of(audio))
        if len(self._places) % _PARTIAL_FRAMES == 0:
            count = len(self._places)
            later = asyncio.get_running_loop().call_later
            self._timers.append(later(self._trouble.lag_s, self._tell_partial, count))

    async def finish(self) -> Transcript:
        words = self._words(len(self._places))
        began_ms = self._places[0] if self._places else 0
        self._forget()
        if self._trouble.fails():
            await asyncio.sleep(self._trouble.fails_after_s)
            self._note(self._name, "fails")
            raise TranscriptionUnavailable(f"{self._name}: no final", Failure.TIMEOUT)
        await asyncio.sleep(self._trouble.final_s)
        heard = tuple(
            HeardWord(word.text, round(word.start_ms - began_ms), round(word.end_ms - began_ms)) for word in words
        )
        text = " ".join(word.text for word in words)
        self._note(self._name, f"understood: {text}")
        return Transcript(text, heard)

    async def aclose(self) -> None:
        self._forget()

    def _words(self, count: int) -> list[SaidWord]:
        places = set(self._places[:count])
        found = []
        for word in self._speech.words:
            first = int(word.start_ms // FRAME_MS) * FRAME_MS
            frames = range(first, int(word.end_ms), FRAME_MS)
            if frames and sum(place in places for place in frames) >= len(frames) * _UNDERSTOOD_SHARE:
                found.append(word)
        return found

    def _tell_partial(self, count: int) -> None:
        words = self._words(count)
        if words:
            self._on_partial(" ".join(word.text for word in words))

    def _forget(self) -> None:
        self._places = []
        for timer in self._timers:
            timer.cancel()
        self._timers = []


class SimJudge:
    """Implements `EndJudge`: mostly right about whether the prospect has finished, and at times busy."""

    def __init__(
        self, speech: Speech, dice: random.Random, *, busy_share: float = 0.1, wrong_share: float = 0.1
    ) -> None:
        self._speech = speech
        self._dice = dice
        self._busy_share = busy_share
        self._timers: list[asyncio.TimerHandle] = []
        self._wrong_share = wrong_share

    def ask(self, pcm: bytes, answer: OnJudged) -> None:
        if not pcm or self._dice.random() < self._busy_share:
            answer(None)
            return
        finished = not self._speech.goes_on(place_of(pcm[-320:]))
        if self._dice.random() < self._wrong_share:
            finished = not finished
        probability = self._dice.uniform(0.75, 0.99) if finished else self._dice.uniform(0.01, 0.4)
        later = asyncio.get_running_loop().call_later
        self._timers.append(later(self._dice.uniform(0.06, 0.15), answer, probability))

    def leave(self) -> None:
        """Nobody waits for an answer any more: the process it stands for outlives the call, and this one does not."""
        for timer in self._timers:
            timer.cancel()
