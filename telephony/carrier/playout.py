"""What the agent has sent and the prospect has not heard yet: one call's play-out buffer with its marks. Sans-I/O.

Media of any size is queued and played in order, 20 ms at a time. A mark is due when all audio that came before it
has played, at once when nothing is buffered, and at `clear` together with all others.
"""

from collections import deque
from typing import Final

from telephony.carrier.ulaw import FRAME_SAMPLES, RATE_HZ, SILENCE

BUFFER_BYTES_MAX: Final = 10 * 60 * RATE_HZ  # the vendor drops what would be more than ten minutes
MARKS_MAX: Final = 10_000  # a limit of ours: each mark is an echo that somebody has to read


class Playout:
    """Positions are bytes (samples) since the buffer was made."""

    def __init__(self) -> None:
        self._queued: deque[bytes] = deque()
        self._head = 0  # bytes of the first piece that have been played
        self._marks: deque[tuple[int, str]] = deque()
        self.buffered_bytes = 0
        self.received_bytes = 0  # of those accepted
        self.played_bytes = 0  # without the silence that fills gaps

    def put(self, ulaw: bytes) -> bool:
        """Queue audio; False when it would overflow and was dropped whole."""
        if self.buffered_bytes + len(ulaw) > BUFFER_BYTES_MAX:
            return False
        if ulaw:
            self._queued.append(ulaw)
            self.buffered_bytes += len(ulaw)
            self.received_bytes += len(ulaw)
        return True

    def mark(self, name: str) -> list[str]:
        """Set a mark behind what is buffered; return the marks due at once."""
        if not self.buffered_bytes:
            return [*self.due(), name]
        if len(self._marks) < MARKS_MAX:
            self._marks.append((self.buffered_bytes + self.played_bytes, name))
        return []

    def due(self) -> list[str]:
        """Take the marks whose audio has all been played."""
        names = []
        while self._marks and self._marks[0][0] <= self.played_bytes:
            names.append(self._marks.popleft()[1])
        return names

    def clear(self) -> tuple[int, list[str]]:
        """Drop what is buffered; return how many bytes, and all pending marks in order."""
        dropped = self.buffered_bytes
        names = [name for _, name in self._marks]
        self._queued.clear()
        self._marks.clear()
        self._head = 0
        self.buffered_bytes = 0
        return dropped, names

    def next_frame(self) -> bytes:
        """Play 20 ms; what is missing is silence."""
        pieces: list[bytes] = []
        wanted = FRAME_SAMPLES
        while wanted and self._queued:
            first = self._queued[0]
            piece = first[self._head : self._head + wanted]
            pieces.append(piece)
            wanted -= len(piece)
            self._head += len(piece)
            if self._head == len(first):
                self._queued.popleft()
                self._head = 0
        played = FRAME_SAMPLES - wanted
        self.buffered_bytes -= played
        self.played_bytes += played
        if wanted:
            pieces.append(SILENCE * wanted)
        return b"".join(pieces)
