"""What the carrier holds of our audio, and when it plays it: a model that marks correct. Sans-I/O.

The carrier plays what it gets in order and echoes a mark when all before it has played. So the place of every packet
on the line is known when it is sent (behind what is still to play), and its mark corrects the estimate. Audio that
follows itself without a gap is a *chain*: the carrier's delay moves a chain as a whole, and says nothing of the next.

All times are the caller's local milliseconds at which an echo of that moment would arrive here; `trip_ms` lies
between sending and that. `clear` makes the carrier drop what it holds and echo every pending mark at once (facts: an
echoed mark is no proof of playback), hence the generation in each mark's name.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_MS, SAMPLES_PER_MS

# A mark's echo is late by up to a frame of the carrier and a frame of its stamp; beyond that the audio was late.
SLIP_MS: Final = 2 * FRAME_MS
# Played by the clock for so long, a span counts as placed; before a chain's first mark has come it waits longer.
_SETTLE_MS: Final = 60
_UNPROVEN_SETTLE_MS: Final = 600
_FLIGHT_MS_MAX: Final = 10_000.0  # longer than any packet
_TRIP_GAIN: Final = 1 / 8
_TRIP_MAX_MS: Final = 2_000.0


@dataclass(frozen=True, slots=True)
class Packet:
    """Audio for the carrier, and the mark to send behind it, if any. Without audio it is a mark alone."""

    ulaw: bytes
    mark: str | None
    offset: int  # first sample's place in the reply
    starts_ms: float  # when it will be played, as far as is known when it is sent


@dataclass(frozen=True, slots=True)
class Span:
    """Audio that the prospect has heard, and from when on."""

    starts_ms: float
    ulaw: bytes


@dataclass(slots=True)
class _Flight:
    offset: int
    ulaw: bytes
    starts_ms: float
    chain: int
    reply: int
    carries: int  # samples of the reply that it takes on; mixed sound may hold fewer than it has
    taken: int = 0  # samples that have been given out as a span


@dataclass(slots=True)
class _Mark:
    name: str
    offset: int  # the sample behind it
    ends_ms: float  # when the audio before it will have played
    sent_ms: float  # when that audio would have played had it left without waiting, no trip counted
    chain: int
    reply: int


class FarBuffer:
    """One carrier's play-out buffer, seen from here. Offsets are samples of the present reply."""

    def __init__(self) -> None:
        self.trip_ms = 0.0  # from sending to the earliest echo: both ways and the carrier's own quantum
        self.dry = 0  # chains that ended in mid-stretch; read by metrics
        self._trip_known = False
        self._generation = 0
        self._number = 0
        self._reply = 0  # rises with each begin: offsets of different numbers cannot be compared
        self._chain = 0
        self._proven_chain = 0
        self._begun = 0  # where the stretch begins in the reply
        self._base = 0  # the reply's samples before the first flight
        self._proven = 0  # the reply's samples that a mark proved
        self._free_at_ms = float("-inf")  # when all that the carrier holds will have been played
        self._now_ms = float("-inf")
        self._flights: deque[_Flight] = deque()
        self._past: deque[_Flight] = deque(maxlen=2)  # taken, perhaps still sounding
        self._marks: deque[_Mark] = deque()

    def begin(self, offset: int = 0) -> None:
        """Audio follows that has its place at `offset` of a reply; what was sent before belongs to another stretch."""
        self._reply += 1
        self._begun = self._base = self._proven = offset

    def ahead_ms(self, now_ms: float) -> float:
        """Return how much will still be unplayed when a packet that is sent now arrives."""
        self._follow_clock(now_ms)
        return max(0.0, self._free_at_ms - self.trip_ms - now_ms)

    @property
    def unproven(self) -> bool:
        """True while a mark of this stretch is on its way."""
        return bool(self._marks) and self._marks[-1].reply == self._reply

    def overdue_ms(self, now_ms: float) -> float:
        """Return for how long all should have been played; negative before."""
        self._follow_clock(now_ms)
        return now_ms - self._free_at_ms

    def send(self, ulaw: bytes, offset: int, now_ms: float, *, marked: bool, carries: int | None = None) -> Packet:
        """Note a packet that is sent now. It holds the reply from `offset` on, `carries` samples or all of it."""
        self._follow_clock(now_ms)
        arrives_ms = now_ms + self.trip_ms
        if self._free_at_ms < arrives_ms:
            self._chain += 1
            self.dry += offset > self._begun
            self._free_at_ms = arrives_ms
        starts_ms = self._free_at_ms
        length_ms = len(ulaw) / SAMPLES_PER_MS
        self._free_at_ms += length_ms
        carries = len(ulaw) if carries is None else carries
        if ulaw:
            self._flights.append(_Flight(offset, ulaw, starts_ms, self._chain, self._reply, carries))
        name = None
        if marked:
            self._number += 1
            name = f"{self._generation}:{self._number}"
            sent_ms = starts_ms - self.trip_ms + length_ms
            self._marks.append(_Mark(name, offset + carries, self._free_at_ms, sent_ms, self._chain, self._reply))
        return Packet(ulaw, name, offset, starts_ms)

    def marked(self, name: str, at_ms: float) -> tuple[int, float] | None:
        """Take an echo that arrived at `at_ms`.

        Returns the sample behind the audio that it proves played, and when that ended; None for a stale name.
        """
        if not any(mark.name == name for mark in self._marks):
            return None
        while (mark := self._marks.popleft()).name != name:
            pass  # its echo was lost; the later one proves it as well
        late_ms = at_ms - mark.ends_ms
        opens = mark.chain > self._proven_chain
        self._proven_chain = max(self._proven_chain, mark.chain)
        if opens:
            self._learn_trip(at_ms - mark.sent_ms)
        if opens or late_ms < 0 or late_ms > SLIP_MS:
            self._shift(late_ms)
            ends_ms = at_ms
        else:
            ends_ms = mark.ends_ms
        if mark.reply != self._reply:
            return None  # it told something of the line, nothing of what is said now
        self._proven = mark.offset
        return mark.offset, ends_ms

    def position(self, at_ms: float) -> int:
        """Return the reply's sample that is played at `at_ms`; never one that was not sent."""
        position = self._base
        for flight in self._flights:
            if flight.reply != self._reply:
                continue
            if at_ms <= flight.starts_ms:
                break
            position = flight.offset + min(flight.carries, _samples(at_ms - flight.starts_ms))
        return position

    def sound(self, from_ms: float, samples: int) -> bytes:
        """Return what is heard of what was sent, from `from_ms` on; silence where nothing is."""
        heard = bytearray(ULAW_SILENCE * samples)
        for flight in (*self._past, *self._flights):
            place = round((flight.starts_ms - from_ms) * SAMPLES_PER_MS)
            start, end = max(0, place), min(samples, place + len(flight.ulaw))
            if start < end:
                heard[start:end] = flight.ulaw[start - place : end - place]
        return bytes(heard)

    def played(self, now_ms: float) -> Iterator[Span]:
        """Take the spans that were played and have not been taken: proven by marks, or by the clock for a while."""
        self._follow_clock(now_ms)
        while self._flights:
            flight = self._flights[0]
            if flight.reply == self._reply and flight.offset + flight.carries <= self._proven and flight.carries:
                settle_ms = float("-inf")
            else:
                settle_ms = _SETTLE_MS if flight.chain <= self._proven_chain else _UNPROVEN_SETTLE_MS
            yield from self._take(flight, now_ms - settle_ms)
            if flight.taken < len(flight.ulaw):
                return
            self._past.append(self._flights.popleft())
            if flight.reply == self._reply:
                self._base = flight.offset + flight.carries

    def cut(self, now_ms: float) -> tuple[int, list[Span]]:
        """The carrier is told now to clear. Returns the sample at which that strikes, and what was played before."""
        self._follow_clock(now_ms)
        strikes_ms = now_ms + self.trip_ms
        position = self.position(strikes_ms)
        spans = [span for flight in self._flights for span in self._take(flight, strikes_ms)]
        self._generation += 1
        self._chain += 1
        self._free_at_ms = strikes_ms
        self._flights.clear()
        self._marks.clear()
        self.begin(position)
        return position, spans

    def append_sound(self, ulaw: bytes) -> Span:
        """Note sound that is sent behind everything and belongs to no reply."""
        span = Span(self._free_at_ms, ulaw)
        self._free_at_ms += len(ulaw) / SAMPLES_PER_MS
        return span

    def _take(self, flight: _Flight, until_ms: float) -> Iterator[Span]:
        played = min(len(flight.ulaw), _samples(until_ms - flight.starts_ms))
        if played > flight.taken:
            starts_ms = flight.starts_ms + flight.taken / SAMPLES_PER_MS
            yield Span(starts_ms, flight.ulaw[flight.taken : played])
            flight.taken = played

    def _shift(self, by_ms: float) -> None:
        for flight in self._flights:
            flight.starts_ms += by_ms
        for mark in self._marks:
            mark.ends_ms += by_ms
        self._free_at_ms += by_ms

    def _learn_trip(self, sample_ms: float) -> None:
        sample_ms = min(max(0.0, sample_ms), _TRIP_MAX_MS)
        if not self._trip_known or sample_ms < self.trip_ms:
            self._trip_known = True
            self.trip_ms = sample_ms
        else:
            # A single late one may have waited in our own socket.
            self.trip_ms += (sample_ms - self.trip_ms) * _TRIP_GAIN

    def _follow_clock(self, now_ms: float) -> None:
        """A clock that went backwards takes the model with it: nothing was played meanwhile, as far as is known."""
        if now_ms < self._now_ms:
            self._shift(now_ms - self._now_ms)
            for mark in self._marks:
                mark.sent_ms += now_ms - self._now_ms
        self._now_ms = now_ms


def _samples(ms: float) -> int:
    """Return the samples of the whole milliseconds in `ms`; none for a negative time."""
    return int(min(max(0.0, ms), _FLIGHT_MS_MAX)) * SAMPLES_PER_MS
