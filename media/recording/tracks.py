"""The voices of a call on one timeline: what the prospect said, what the prospect heard, what a person said. Sans-I/O.

The prospect's audio stands by the carrier's stamps; the agent's where the carrier played it, cut where it was
cleared. All is held back until nothing can change it any more, then leaves as blocks. µ-law throughout, one byte a
sample: nothing is decoded while the call runs.
"""

from media.codec.g711 import ULAW_SILENCE
from media.recording.blocks import VOICES, Block


class Tracks:
    """A moving window of all voices, in samples since the stream began."""

    def __init__(self) -> None:
        self._start = 0  # position of the window's first sample: all before it has left
        self._voices = tuple(bytearray() for _ in range(VOICES))
        self.late = 0  # samples that came after their place had left; read by metrics

    @property
    def end(self) -> int:
        """Position after the last sample placed on any channel."""
        return self._start + max(map(len, self._voices))

    @property
    def taken(self) -> int:
        """Position up to which samples have left."""
        return self._start

    def end_of(self, channel: int) -> int:
        return self._start + len(self._voices[channel])

    def place(self, channel: int, position: int, ulaw: bytes) -> None:
        """Put samples where they belong; what would lie before the window is lost and counted."""
        voice, offset = self._voices[channel], position - self._start
        if offset < 0:
            self.late += min(len(ulaw), -offset)
            ulaw, offset = ulaw[-offset:], 0
        gap = offset - len(voice)
        if gap > 0:
            voice += ULAW_SILENCE * gap
        voice[offset : offset + len(ulaw)] = ulaw

    def cut(self, channel: int, position: int) -> None:
        """Silence a channel from `position` on: it was cleared before it was played."""
        del self._voices[channel][max(0, position - self._start) :]

    def mute(self, until: int) -> None:
        """Silence all channels before `until`, as far as they have not left: recording was not allowed yet."""
        for voice in self._voices:
            count = min(len(voice), max(0, until - self._start))
            voice[:count] = ULAW_SILENCE * count

    def take(self, until: int) -> Block:
        """Return what lies before position `until` and move the window on."""
        count = max(0, until - self._start)
        first, second, third = (_shift(voice, count) for voice in self._voices)
        block = Block(self._start, count, (first, second, third))
        self._start += count
        return block


def _shift(voice: bytearray, count: int) -> bytes:
    """Remove and return the first `count` samples, filled up with silence; b"" when all of them are silent."""
    taken = bytes(voice[:count])
    del voice[:count]
    if not taken.strip(ULAW_SILENCE):
        return b""
    return taken + ULAW_SILENCE * (count - len(taken))
