"""One call's recogniser behind the voice detector: fed only while the caller speaks, from just before they began."""

from collections import deque
from dataclasses import replace
from typing import Final

import structlog

from agent.stt.port import PREROLL_MS, HeardWord, Recognizer, Transcript, TranscriptionUnavailable
from media.frame import FRAME_MS

log = structlog.get_logger()

_PREROLL_FRAMES: Final = PREROLL_MS // FRAME_MS
# A node that stood still, or got late what a network held up, notices a voice later than that, and has dropped some of
# what it should have looked at: where the voice began is not known then, and all of this may belong to it.
_KEPT_FRAMES: Final = 2_000 // FRAME_MS
_LATE_MS: Final = PREROLL_MS - 200  # from a voice's first sample; a node that keeps pace takes some 100
_HELD_FRAMES: Final = 30_000 // FRAME_MS  # of a voice that nobody could attend to yet; of more the beginning is lost


class Listening:
    def __init__(self, recognizer: Recognizer) -> None:
        self._recognizer = recognizer
        self._preroll: deque[bytes] = deque(maxlen=_KEPT_FRAMES)
        self._held = False
        self._began_ms = 0  # the utterance's first sample, on the call's timeline
        self._frames = 0  # heard
        self._fed = 0  # of those, given to the recogniser
        self.active = False
        self.failures = 0  # of the recogniser, in a row
        self.partial = ""  # what was understood so far

    def on_partial(self, text: str) -> None:
        self.partial = text

    @property
    def heard_ms(self) -> int:
        """How much audio there was of the caller's."""
        return self._frames * FRAME_MS

    @property
    def fed_ms(self) -> int:
        """How much of it the recogniser was given, and is paid for."""
        return self._fed * FRAME_MS

    def hear(self, pcm: bytes, ulaw: bytes) -> None:
        """Take a frame, in both forms: int16 samples and µ-law, 8 kHz."""
        self._frames += 1
        feeding = self._recognizer.feeding
        audio = ulaw if feeding.ulaw else pcm
        if self.active or feeding.continuous:
            self._fed += 1
            self._recognizer.feed(audio)
        else:
            self._preroll.append(audio)

    def hold(self, since_ms: int) -> None:
        """The caller's voice began so long ago: from there on everything is kept until `begin`, which may be late."""
        if not self.active and not self._held:
            self._preroll = deque(self._before(since_ms), _HELD_FRAMES)
            self._held = True

    def begin(self, now_ms: int) -> None:
        """Start an utterance: the caller's voice was noticed now, by the call's timeline."""
        self.partial = ""
        self._recognizer.begin()
        before = self._preroll if self._held else self._before(0)
        if self._recognizer.feeding.continuous:
            self._began_ms = now_ms - PREROLL_MS
        else:
            self._began_ms = now_ms - len(before) * FRAME_MS
            self._fed += len(before)
            for audio in before:
                self._recognizer.feed(audio)
        self._preroll = deque(maxlen=_KEPT_FRAMES)
        self._held = False
        self.active = True

    async def finish(self) -> Transcript:
        """Return what was said, its words on the call's timeline; nothing, and one more failure, when nobody knows."""
        self.active = False
        try:
            heard = await self._recognizer.finish()
        except TranscriptionUnavailable:
            self.failures += 1
            log.warning("stt.unavailable", failures=self.failures)
            return Transcript("")
        self.failures = 0
        began_ms = self._began_ms
        words = (HeardWord(word.text, word.start_ms + began_ms, word.end_ms + began_ms) for word in heard.words)
        return replace(heard, words=tuple(words))

    def _before(self, since_ms: int) -> list[bytes]:
        """Return what an utterance begins with, the first voiced sample of which was found so long ago."""
        return list(self._preroll)[-(_PREROLL_FRAMES if since_ms <= _LATE_MS else _KEPT_FRAMES) :]
