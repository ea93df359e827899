"""The prospect of a simulated call: one mouth and one ear, for personas to use (bench/sim/personas.py)."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bench.sim.ears import SaidWord, Speech
from bench.sim.line import SimLine
from bench.sim.mouths import word_ms
from bench.sim.record import Record, Sound, SoundKind, Span
from bench.sim.sound import Hearing

_GAP_MS: Final = 40.0
_HEARD_MS: Final = 250.0  # less of the agent than this is no turn


class HungUp(Exception):
    """The call is over for this person."""


class Person:
    """Times at the mouth and the ear, in ms."""

    def __init__(
        self, dice: random.Random, line: SimLine, hearing: Hearing, record: Record, drop: Callable[[], None]
    ) -> None:
        """`drop` ends the call at once, as a receiver does that falls."""
        self._drop = drop
        self.dice = dice
        self.speech = Speech([], self._goes_on)
        self._line = line
        self._hearing = hearing
        self._record = record
        self._heard = asyncio.Event()
        self._spoke_to_ms = 0.0  # my last sound's end
        self._plan: list[tuple[float, float]] = []  # utterances, on the timeline

    @property
    def now_ms(self) -> float:
        return self._line.now_ms

    def on_play(self) -> None:
        """The line has got something to play."""
        self._heard.set()

    # What personas do

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def turn_over(self, after_ms: float = 500, patience_s: float = 20.0) -> bool:
        """Wait until the agent has spoken since my last sound and has been silent for a while.

        False when it says nothing for as long as my patience lasts.
        """
        since_ms, began_ms = self._spoke_to_ms, self.now_ms
        while True:
            self._heard.clear()
            silent_ms = self._line.silent_from_ms
            spoken = silent_ms - max(since_ms, self._line.turn_from_ms) > _HEARD_MS
            if spoken and self.now_ms >= silent_ms + after_ms - 0.5:
                return True
            if not spoken and self.now_ms - max(began_ms, silent_ms) >= patience_s * 1_000:
                return False
            until_ms = silent_ms + after_ms if spoken else max(began_ms, silent_ms) + patience_s * 1_000
            await self._sleep_until(until_ms)

    async def speaking(self, for_ms: float, patience_s: float = 20.0) -> bool:
        """Wait until the agent is in the middle of a turn that began after my last sound; False out of patience."""
        began_ms, since_ms = self.now_ms, self._spoke_to_ms
        while self.now_ms - began_ms < patience_s * 1_000:
            self._heard.clear()
            silent_ms = self._line.silent_from_ms
            turn_ms = max(since_ms, self._line.turn_from_ms)
            if silent_ms > self.now_ms and silent_ms - turn_ms > 0:
                if self.now_ms - turn_ms >= for_ms - 0.5:
                    return True
                await self._sleep_until(turn_ms + for_ms)
            else:
                await self._sleep_until(began_ms + patience_s * 1_000)
        return False

    async def say(self, text: str, kind: SoundKind = SoundKind.SPEECH, pace: float = 1.0) -> None:
        """Say a text to its end; `|` is a pause of 700 ms, `|1200|` one of 1200."""
        pieces = _pieces(text)
        at_ms = self.now_ms
        first_ms = at_ms
        spans: list[tuple[Span, str]] = []
        for pause_ms, words in pieces:
            start_ms = at_ms = at_ms + pause_ms
            for word in words.split():
                length_ms = word_ms(word) * pace
                self.speech.words.append(
                    SaidWord(word, self._hearing.place(at_ms), self._hearing.place(at_ms + length_ms))
                )
                at_ms += length_ms + _GAP_MS
            at_ms -= _GAP_MS
            spans.append((Span(start_ms, at_ms), words))
        self._plan.append((self._hearing.place(first_ms), self._hearing.place(at_ms)))
        for place, (span, words) in enumerate(spans):
            self._begin(span, words, kind, goes_on=place < len(spans) - 1)
        await asyncio.sleep((at_ms - self.now_ms) / 1_000)

    async def sound(self, length_ms: float, name: str = "cough") -> None:
        """Make a sound that is no word."""
        self._begin(Span(self.now_ms, self.now_ms + length_ms), name, SoundKind.NOISE, goes_on=False)
        await asyncio.sleep(length_ms / 1_000)

    def hang_up(self) -> None:
        """Put the phone down."""
        raise HungUp

    def cut_off_after(self, after_ms: float) -> None:
        """Have the phone put down then, whatever is being said."""
        asyncio.get_running_loop().call_later(after_ms / 1_000, self._drop)

    def silence(self) -> None:
        """The call is over: what was going to be said never is."""
        now_ms = self.now_ms
        self._hearing.cut(now_ms)
        self._record.said[:] = [
            replace(sound, end_ms=min(now_ms, sound.end_ms)) for sound in self._record.said if sound.start_ms < now_ms
        ]

    def _begin(self, span: Span, text: str, kind: SoundKind, *, goes_on: bool) -> None:
        self._hearing.sound(span)
        self._record.said.append(Sound(kind, text, span.start_ms, span.end_ms, goes_on))
        self._record.note(span.start_ms, "prospect", f"{kind.value}: {text} ({round(span.end_ms - span.start_ms)} ms)")
        self._spoke_to_ms = max(self._spoke_to_ms, span.end_ms)

    def _goes_on(self, place_ms: float) -> bool:
        return any(start <= place_ms + 40 and place_ms < end - 150 for start, end in self._plan)

    async def _sleep_until(self, at_ms: float) -> None:
        """Sleep until then, or until the line plays something more."""
        try:
            async with asyncio.timeout(max(0.001, (at_ms - self.now_ms) / 1_000)):
                await self._heard.wait()
        except TimeoutError:
            pass


def _pieces(text: str) -> list[tuple[float, str]]:
    """Return the stretches of a text with the pause before each, in ms."""
    parts = [part.strip() for part in text.split("|")]
    pieces: list[tuple[float, str]] = []
    pause_ms = 0.0
    for part in parts:
        if part.isdigit():
            pause_ms = float(part)
        elif part:
            pieces.append((pause_ms if pieces else 0.0, part))
            pause_ms = 700.0
    return pieces
