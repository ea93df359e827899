"""What came out of a prospect's earpiece, sample by sample on the carrier's clock: words, and silences. Sans-I/O.

Sound has the place at which it was played: a hole in the middle of a word is a hole here. Seconds are those of the
clock that the caller gives; µ-law, 8 kHz.
"""

from collections.abc import Sequence

from bench.providers.coded_speech import CodedWord
from bench.providers.speech_script import Understands
from bench.providers.toned_speech import audible
from media.codec.g711 import ULAW_SILENCE
from media.frame import RATE_HZ


class LineSound:
    def __init__(self, began_s: float) -> None:
        self._began_s = began_s
        self._sound = bytearray()

    def play(self, ulaw: bytes, starts_s: float) -> None:
        """Add what is played from then on; nothing of it overlaps what is there."""
        place = max(len(self._sound), self._place(starts_s))
        self._sound += ULAW_SILENCE * (place - len(self._sound)) + ulaw

    def clear(self, now_s: float) -> None:
        """Take back what has not been played."""
        del self._sound[self._place(now_s) :]

    def words(self, known: Understands, last_s: float | None = None) -> list[CodedWord]:
        """Return the words that were played, of the last so many seconds only if told."""
        first = 0 if last_s is None else max(0, len(self._sound) - round(last_s * RATE_HZ))
        return known.understand(bytes(self._sound[first:]))

    def spans(self) -> list[tuple[float, float]]:
        """Return from when to when something could be heard."""
        spans = audible(bytes(self._sound))
        return [(self._began_s + start_ms / 1000, self._began_s + end_ms / 1000) for start_ms, end_ms in spans]

    @property
    def played_bytes(self) -> int:
        return len(self._sound)

    def _place(self, at_s: float) -> int:
        return max(0, round((at_s - self._began_s) * RATE_HZ))


def longest_wait_s(own: Sequence[tuple[float, float]], other: Sequence[tuple[float, float]]) -> float:
    """Return the longest silence that a sound of the other's ended, whoever was heard before it; 0 where none did.

    Silence before the first of one's own sounds does not count.
    """
    longest, heard_until = 0.0, None
    for start, end, is_own in sorted([(*span, True) for span in own] + [(*span, False) for span in other]):
        if heard_until is None:
            heard_until = end if is_own else None
            continue
        longest = longest if is_own else max(longest, start - heard_until)
        heard_until = max(heard_until, end)
    return longest
