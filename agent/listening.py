"""One call's recogniser behind the voice detector: fed only while the caller speaks, from just before they began."""

from collections import deque
from typing import Final

from agent.stt.port import Recognizer, Transcript
from media.frame import FRAME_MS

PREROLL_MS: Final = 480  # audio before the voice was noticed: its first syllable


class Listening:
    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._preroll: deque[bytes] = deque(maxlen=PREROLL_MS // FRAME_MS)
        self.active = False
        self.partial = ""  # what was understood so far

    def on_partial(self, text: str) -> None:
        self.partial = text

    def hear(self, pcm: bytes) -> None:
        """Take a frame: int16 samples, 8 kHz."""
        if self.active:
            self._recognizer.feed(pcm)
        else:
            self._preroll.append(pcm)

    def begin(self) -> None:
        self.partial = ""
        self._recognizer.begin()
        for pcm in self._preroll:
            self._recognizer.feed(pcm)
        self._preroll.clear()
        self.active = True

    async def finish(self) -> Transcript:
        """Return what was said. Raises TranscriptionUnavailable."""
        self.active = False
        return await self._recognizer.finish()
