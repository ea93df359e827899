"""A prospect in the same process: speaks, hears the agent out, and keeps what was played and when. Sans-I/O.

Implements `media.agent_voice.Line`. Audio is played as a carrier's buffer plays it; `tick` comes every 20 ms of the
loop's clock. All moments are seconds of that clock.
"""

from collections.abc import Callable, Sequence
from typing import Final

from bench.providers.coded_speech import Vocabulary
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ

PATIENCE_S: Final = 8.0  # without the end of an answer: the call is lost
REACTION_S: Final = 0.6
_SILENCE: Final = ULAW_SILENCE * FRAME_SAMPLES


class Prospect:
    def __init__(
        self,
        utterance: bytes,
        last_words: Sequence[str],
        known: Vocabulary,
        now_s: Callable[[], float],
        marked: Callable[[str], None],
    ) -> None:
        """`utterance`: µ-law, whole frames. `last_words`: the word that ends each answer; after it they speak again."""
        self.dropped = 0
        self.sound = bytearray()  # all that was played of the agent's
        self.dead_air_s = 0.0  # the longest time in which nobody was heard
        self._frames = [utterance[at : at + FRAME_SAMPLES] for at in range(0, len(utterance), FRAME_SAMPLES)]
        self._last_words = list(last_words)
        self._known = known
        self._now_s = now_s
        self._marked = marked
        self._began_s = now_s()
        self._sent = 0
        self._saying: list[bytes] = []
        self._said = 0  # utterances
        self._speak_at_s = self._began_s + REACTION_S
        self._free_at_s = self._began_s  # when all that came will have been played
        self._heard_until_s = self._began_s  # somebody spoke
        self._looked_bytes = 0
        self._marks: list[tuple[float, str]] = []

    # The line

    def play(self, ulaw: bytes, mark: str | None) -> None:
        now_s = self._now_s()
        if ulaw:
            if now_s > self._free_at_s:
                self._heard(now_s)
            self._free_at_s = max(now_s, self._free_at_s) + len(ulaw) / RATE_HZ
            self.sound += ulaw
        if mark is not None:
            self._marks.append((self._free_at_s, mark))

    def clear(self) -> None:
        now_s = self._now_s()
        unplayed = int(max(0.0, self._free_at_s - now_s) * RATE_HZ)
        del self.sound[len(self.sound) - unplayed :]
        self._free_at_s = min(self._free_at_s, now_s)
        self._marks = [(now_s, mark) for _, mark in self._marks]

    def close(self) -> None:
        """The call is over."""

    # The person

    @property
    def utterances(self) -> int:
        return self._said

    @property
    def lost_patience(self) -> bool:
        return self._now_s() - max(self._heard_until_s, self._free_at_s) > PATIENCE_S

    def tick(self) -> tuple[bytes, int]:
        """Return the frame that the prospect sends now, and its place on the line in ms."""
        now_s = self._now_s()
        due = [mark for at_s, mark in self._marks if at_s <= now_s]
        self._marks = [(at_s, mark) for at_s, mark in self._marks if at_s > now_s]
        for mark in due:
            self._marked(mark)
        self._look(now_s)
        if not self._saying and now_s >= self._speak_at_s:
            self._saying = list(self._frames)
            self._said += 1
            self._speak_at_s = float("inf")
        if self._saying or now_s < self._free_at_s:
            self._heard(now_s)
        frame = self._saying.pop(0) if self._saying else _SILENCE
        at_ms, self._sent = self._sent * FRAME_MS, self._sent + 1
        return frame, at_ms

    def _heard(self, now_s: float) -> None:
        self.dead_air_s = max(self.dead_air_s, now_s - self._heard_until_s)
        self._heard_until_s = now_s

    def _look(self, now_s: float) -> None:
        """An answer whose last word has been played is answered."""
        if not self._last_words or now_s < self._free_at_s or len(self.sound) == self._looked_bytes:
            return
        self._looked_bytes = len(self.sound)
        words = self._known.understand(bytes(self.sound[-4 * RATE_HZ :]))
        if self._last_words[0] in {word.text for word in words}:
            self._last_words.pop(0)
            if self._last_words:
                self._speak_at_s = now_s + REACTION_S
