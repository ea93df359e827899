"""What the agent says on its way to the carrier: a bounded lead ahead of real time, and what was heard. Sans-I/O.

The carrier plays what it gets in order, and echoes a mark when all before it has played. So the place of every
packet on the line is known when it is sent (behind what is still to play), and its mark corrects the estimate.
`clear` makes the carrier drop what it holds and echo every pending mark at once (facts: an echoed mark is no proof
of playback), hence the generation in each mark's name: echoes of a cleared generation prove nothing.

Times are local milliseconds given by the caller; audio is µ-law, 8 samples a millisecond.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from media.frame import SAMPLES_PER_MS

LEAD_MS: Final = 200  # a stall of the loop of 150 ms is not heard
PACKET_MS: Final = 60
FIRST_PACKET_MS: Final = 20  # short, so that its mark proves the start early
# A carrier that loses a mark must not hold the call: what should have been played counts as played after this.
MARK_PATIENCE_MS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Packet:
    """Audio for the carrier, and the mark to send behind it."""

    ulaw: bytes
    mark: str
    offset: int  # first sample's place in the reply
    starts_ms: float  # when it will be played


class Playout:
    """One call's outgoing speech: a reply at a time, appended as it is made, paused, resumed or dropped."""

    def __init__(self) -> None:
        self._audio = bytearray()  # the whole reply
        self._sent = 0  # samples handed to the carrier, counted from the reply's start
        self._complete = True  # nothing more will be appended
        self._paused = False
        self._generation = 0
        self._number = 0
        self._free_at_ms = 0.0  # when the carrier will have played all that it holds
        self._in_flight: deque[Packet] = deque()  # sent in this generation, not yet proven played
        self._proven = 0  # samples proven played by marks
        self._heard_at_pause = 0
        self.lag_ms = 0.0  # how much later than planned the carrier plays, by its marks

    # The reply

    def begin(self) -> None:
        """Start a new reply; what is left of the former one must have been dropped or played."""
        self._audio = bytearray()
        self._sent = self._proven = self._heard_at_pause = 0
        self._complete = False
        self._paused = False
        self._in_flight.clear()

    def append(self, ulaw: bytes) -> None:
        self._audio += ulaw

    def complete(self) -> None:
        """Nothing more comes for this reply."""
        self._complete = True

    @property
    def duration_ms(self) -> int:
        """Length of the reply as far as it has been made."""
        return len(self._audio) // SAMPLES_PER_MS

    @property
    def paused(self) -> bool:
        return self._paused

    @property
    def unsent_ms(self) -> int:
        return (len(self._audio) - self._sent) // SAMPLES_PER_MS

    # The line

    def due(self, now_ms: float) -> Sequence[Packet]:
        """Return the packets that the carrier should get now to be LEAD_MS ahead."""
        packets: list[Packet] = []
        while not self._paused and self._sent < len(self._audio):
            starts_ms = max(now_ms, self._free_at_ms)
            if starts_ms - now_ms >= LEAD_MS:
                break
            size = (FIRST_PACKET_MS if self._sent == 0 else PACKET_MS) * SAMPLES_PER_MS
            ulaw = bytes(self._audio[self._sent : self._sent + size])
            if len(ulaw) < size and not self._complete and starts_ms > now_ms + FIRST_PACKET_MS:
                break  # more is on its way, and the carrier is not hungry yet
            self._number += 1
            packet = Packet(ulaw, f"{self._generation}:{self._number}", self._sent, starts_ms)
            self._in_flight.append(packet)
            self._sent += len(ulaw)
            self._free_at_ms = starts_ms + len(ulaw) / SAMPLES_PER_MS
            packets.append(packet)
        return packets

    def marked(self, mark: str, now_ms: float) -> Packet | None:
        """Take an echoed mark; returns the packet that it proves played, None for a stale or unknown one."""
        if not any(packet.mark == mark for packet in self._in_flight):
            return None
        while True:
            packet = self._in_flight.popleft()
            self._proven = packet.offset + len(packet.ulaw)
            if packet.mark == mark:
                late_ms = now_ms - (packet.starts_ms + len(packet.ulaw) / SAMPLES_PER_MS)
                self.lag_ms += (min(max(late_ms, 0.0), 300.0) - self.lag_ms) / 4
                return packet

    def heard_ms(self, now_ms: float) -> int:
        """Return how much of the reply has been played: proven by marks, beyond them by the clock."""
        if self._paused:
            return self._heard_at_pause // SAMPLES_PER_MS
        heard = self._proven
        for packet in self._in_flight:
            played_ms = now_ms - self.lag_ms - packet.starts_ms
            if played_ms <= 0:
                break
            heard = packet.offset + min(len(packet.ulaw), int(played_ms * SAMPLES_PER_MS))
        return heard // SAMPLES_PER_MS

    def played_out(self, now_ms: float) -> bool:
        """True when the whole reply was made, sent and played."""
        if not self._complete or self._paused or self._sent < len(self._audio):
            return False
        return not self._in_flight or now_ms > self._free_at_ms + MARK_PATIENCE_MS

    def pause(self, now_ms: float) -> None:
        """Stop at once: the caller of this sends `clear` to the carrier. Remembers what was heard."""
        self._heard_at_pause = self.heard_ms(now_ms) * SAMPLES_PER_MS
        self._paused = True
        self._generation += 1
        self._in_flight.clear()
        self._free_at_ms = now_ms

    def resume(self, from_ms: int) -> None:
        """Go on with the reply from `from_ms`, the start of the word that was cut, say."""
        self._sent = self._proven = min(len(self._audio), max(0, from_ms) * SAMPLES_PER_MS)
        self._paused = False

    def drop(self) -> None:
        """Forget the rest of the reply: what was not heard never will be."""
        del self._audio[self._heard_at_pause if self._paused else self._sent :]
        self._sent = min(self._sent, len(self._audio))
        self._complete = True
        self._paused = False
