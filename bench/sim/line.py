"""The far end of a simulated call's line: a carrier's play-out buffer that knows what the prospect heard, and when.

Implements `media.agent_voice.Line`. Audio arrives a trip later, plays in order, and a mark is echoed when all before it
has played; `clear` drops what has not played and echoes what is pending, as the carrier does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.sim import word_code
from bench.sim.record import PlayedWord, Span
from media.frame import SAMPLES_PER_MS

MUSIC: Final = b"\x20"  # each byte of it: louder than any word's, so that nobody takes one for the other
_SEAM_MS: Final = 5.0
_BREATH_MS: Final = 700.0


@dataclass(slots=True)
class _Flight:
    ulaw: bytes
    start_ms: float
    end_ms: float

    @property
    def music(self) -> bool:
        return self.ulaw.startswith(MUSIC) and self.ulaw.count(MUSIC) == len(self.ulaw)


@dataclass(slots=True)
class _Echo:
    mark: str
    at_ms: float
    timer: asyncio.TimerHandle | None


class SimLine:
    """`trip_ms`: one way. `loses_mark`: asked for each mark; True and its echo never comes."""

    def __init__(
        self,
        trip_ms: float,
        on_mark: Callable[[str], None],
        on_play: Callable[[], None],
        loses_mark: Callable[[], bool] = lambda: False,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._trip_ms = trip_ms
        self._on_mark = on_mark
        self._on_play = on_play
        self._loses_mark = loses_mark
        self._on_close = on_close
        self._flights: list[_Flight] = []
        self._echoes: list[_Echo] = []
        self._free_ms = 0.0
        self._turn_ms = 0.0
        self._dead_from_ms: float | None = None
        self.dropped = 0  # messages; what a slow socket would lose, which this one never is

    @property
    def now_ms(self) -> float:
        return self._loop.time() * 1_000

    @property
    def silent_from_ms(self) -> float:
        """When all that is on its way will have been heard, unless more comes."""
        return self._free_ms

    @property
    def turn_from_ms(self) -> float:
        """When the turn began that is heard now, or was heard last: a breath is no end of it."""
        return self._turn_ms

    # Line

    def play(self, ulaw: bytes, mark: str | None) -> None:
        if self._dead_from_ms is not None:
            return
        if ulaw:
            start_ms = max(self._free_ms, self.now_ms + self._trip_ms)
            if start_ms - self._free_ms > _BREATH_MS:
                self._turn_ms = start_ms
            self._free_ms = start_ms + len(ulaw) / SAMPLES_PER_MS
            self._flights.append(_Flight(ulaw, start_ms, self._free_ms))
            self._on_play()
        if mark is not None and not self._loses_mark():
            self._echo(mark, max(self._free_ms, self.now_ms + self._trip_ms))

    def clear(self) -> None:
        if self._dead_from_ms is not None:
            return
        strikes_ms = self.now_ms + self._trip_ms
        self._cut(strikes_ms)
        pending = [echo for echo in self._echoes if echo.at_ms > strikes_ms]
        self._echoes = [echo for echo in self._echoes if echo.at_ms <= strikes_ms]
        for echo in pending:
            if echo.timer is not None:
                echo.timer.cancel()
            self._echo(echo.mark, strikes_ms)

    def close(self) -> None:
        """Our side has closed the stream: the carrier's script goes on behind it, which hangs up."""
        self._on_close()

    # The world's side

    def die(self, now_ms: float) -> None:
        """The line is cut, by a hang-up or a lost socket: nothing is heard from now on, and no mark comes back."""
        if self._dead_from_ms is None:
            self._dead_from_ms = now_ms
            self._cut(now_ms)
            for echo in self._echoes:
                if echo.timer is not None:
                    echo.timer.cancel()

    def sound(self) -> list[Span]:
        """Return when the prospect heard anything of the agent."""
        return self._spans(music=False)

    def music(self) -> list[Span]:
        return self._spans(music=True)

    def _spans(self, *, music: bool) -> list[Span]:
        spans: list[Span] = []
        for flight in self._flights:
            if flight.end_ms <= flight.start_ms or flight.music != music:
                continue
            if spans and flight.start_ms - spans[-1].end_ms < _SEAM_MS:
                spans[-1] = Span(spans[-1].start_ms, flight.end_ms)
            else:
                spans.append(Span(flight.start_ms, flight.end_ms))
        return spans

    def words(self, lexicon: list[tuple[str, int]]) -> list[PlayedWord]:
        """Return the words that were heard, in the order of their first sound; a word said again counts once.

        lexicon: each word's text and length in ms, by its number.
        """
        played = [flight.ulaw[: int(flight.end_ms - flight.start_ms) * SAMPLES_PER_MS] for flight in self._flights]
        starts = np.cumsum([0, *(len(ulaw) // SAMPLES_PER_MS for ulaw in played)])
        at, numbers, places = word_code.columns(b"".join(played))
        words = []
        for number, first in zip(*np.unique(numbers, return_index=True), strict=True):
            flight = int(np.searchsorted(starts, at[first], "right")) - 1
            first_ms = self._flights[flight].start_ms + float(at[first] - starts[flight])
            heard_ms = len(np.unique(places[numbers == number]))
            text, length_ms = lexicon[int(number)]
            words.append(PlayedWord(text, heard_ms, length_ms, first_ms))
        return sorted(words, key=lambda word: word.first_ms)

    def _echo(self, mark: str, at_ms: float) -> None:
        back_s = (at_ms + self._trip_ms) / 1_000
        self._echoes.append(_Echo(mark, at_ms, self._loop.call_at(back_s, self._on_mark, mark)))
        if len(self._echoes) > 64:
            self._echoes = [echo for echo in self._echoes if echo.at_ms > self.now_ms]

    def _cut(self, at_ms: float) -> None:
        for flight in reversed(self._flights):
            if flight.end_ms <= at_ms:
                break
            flight.end_ms = max(flight.start_ms, at_ms)
        self._free_ms = min(self._free_ms, at_ms)
