"""A call's audio that a recogniser was fed and has not yet told the words of, for sending it again. Sans-I/O.

Positions are samples of all that was fed in the call; µ-law, a byte a sample, 8 kHz.
"""

from typing import Final

LIMIT_BYTES: Final = 60 * 8_000  # a minute; of a longer monologue its beginning is given up


class Replay:
    """Fed at one end, sent from the middle, forgotten from the front as finals confirm it."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._audio = bytearray()
        self._start = 0  # position of the first byte kept
        self._sent = 0  # position of the first byte that this connection has not been sent
        self.lost = 0  # bytes given up before they were confirmed; read by metrics

    @property
    def fed(self) -> int:
        """Position behind the last sample fed."""
        return self._start + len(self._audio)

    @property
    def unsent(self) -> int:
        return self.fed - self._sent

    def push(self, audio: bytes) -> None:
        self._audio += audio
        over = len(self._audio) - self._limit
        if over > 0:
            self.lost += over
            self.confirm(self._start + over)

    def confirm(self, position: int) -> None:
        """Forget what lies before `position`: its words are known, or nobody asks for them."""
        count = min(max(0, position - self._start), len(self._audio))
        del self._audio[:count]
        self._start += count
        self._sent = max(self._sent, self._start)

    def take(self, count: int) -> bytes:
        """Return up to `count` bytes that were not sent yet, as sent."""
        offset = self._sent - self._start
        packet = bytes(self._audio[offset : offset + count])
        self._sent += len(packet)
        return packet

    def rewind(self) -> int:
        """A new connection gets all that is kept; returns the position of its first sample."""
        self._sent = self._start
        return self._start
