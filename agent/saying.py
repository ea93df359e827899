"""Sentences into the room, by a voice that may fail: what was not said yet is said by the next try, word for word.

Another voice, and most vendors' own, says the same words in another time, so what goes on is counted in words: the
last word that the room has whole is kept, the sound of a word that was cut is taken back as far as it was not sent.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Final, Protocol

import numpy as np
import structlog

from agent.reply import Reply
from agent.tts.port import Encoding, Speech, SpeechUnavailable, SpokenWord, Voice
from media.codec import g711
from media.codec.resample import Resampler
from media.dtmf import tones
from media.frame import RATE_HZ, SAMPLES_PER_MS

log = structlog.get_logger()

PAUSE_MS: Final = 140  # between sentences, as people breathe
CLAUSE_PAUSE_MS: Final = 60  # within one; voices fall silent by themselves at the end of what they are given
RETRY_AFTER_S: Final = 0.8  # a speech process that died is back by then
AHEAD_MS: Final = 20_000  # more than this unsent is not made yet
_AHEAD_POLL_S: Final = 0.5
BEGINNING_POLL_S: Final = 0.01
BEGINNING_MAX_S: Final = 0.12  # a sound of the caller's is a voice by then (media/activity/detector.py), or was nothing
PIECE_TIMEOUT_S: Final = 5.0  # without any sound from a voice that has no shorter limit of its own
_SENTENCE_ENDS: Final = (".", "?", "!", "…")
FAILURES_MAX: Final = 4  # of one sentence, whoever failed


class SpeakingFailed(Exception):
    """The answer cannot be made or spoken; `reason` is a code for the call's record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Mouth(Protocol):
    """What of the room an answer needs."""

    @property
    def now(self) -> int: ...
    @property
    def reply_ms(self) -> int: ...
    @property
    def heard_ms(self) -> int: ...
    @property
    def unsent_ms(self) -> int: ...
    def begin_reply(self) -> None: ...
    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = (), *, leveled: bool = True) -> None: ...
    def take_back(self, to_ms: int) -> None:
        """Forget what of the reply lies behind `to_ms` and was not sent."""

    def complete_reply(self) -> None: ...


class Saying:
    """Speaks the sentences of one answer, one after another."""

    def __init__(
        self,
        reply: Reply,
        voice: Voice,
        mouth: Mouth,
        on_open: Callable[[], None],
        caller_begins: Callable[[], bool] = lambda: False,
    ) -> None:
        """`on_open` is called at the reply's first sound, which waits for a moment while `caller_begins`."""
        self.mouth = mouth
        self._reply = reply
        self._voice = voice
        self._on_open = on_open
        self._caller_begins = caller_begins
        self._begun = False  # some of the sentence is in the room
        self._place_ms = 0  # of this try's first sample, in the reply
        self._words: list[SpokenWord] = []  # that this try has told of, timed from its first sample
        self._made_ms = 0  # speech of this try

    async def say(self, sentence: str) -> None:
        """Raises SpeakingFailed."""
        # Polled, not awaited: the play-out is the audio plane's, which wakes nobody.
        while self._reply.opened and self.mouth.unsent_ms > AHEAD_MS:  # noqa: ASYNC110
            await asyncio.sleep(_AHEAD_POLL_S)
        self._begun = False
        left = sentence.split()
        failures = alone = 0
        while True:
            try:
                await self._try(" ".join(left), sentence)
            except SpeechUnavailable as error:
                failures += 1
                alone += not error.elsewhere
                left = left[self._keep_whole_words() :]
                log.warning("tts.unavailable", failure=error.failure, left=len(left), elsewhere=error.elsewhere)
                if self._begun and not left:
                    return  # it broke off behind its last word
                if alone > 1 or failures >= FAILURES_MAX:
                    raise SpeakingFailed("speech_unavailable") from None
                if not error.elsewhere:
                    await asyncio.sleep(RETRY_AFTER_S)
            else:
                return

    def press(self, keys: str) -> None:
        """Have keys of a telephone heard, as their tones."""
        self._start_sound()
        self.mouth.append(tones(keys), leveled=False)

    async def _try(self, text: str, sentence: str) -> None:
        """Speak a text, which is what is left of the sentence. Raises SpeechUnavailable."""
        resampler: Resampler | None = None
        self._words, self._made_ms = [], 0
        opened = False
        async with aclosing(self._voice.speak(text)) as pieces:
            while True:
                try:
                    async with asyncio.timeout(PIECE_TIMEOUT_S):
                        speech = await anext(pieces)
                except StopAsyncIteration:
                    break
                except TimeoutError:
                    raise SpeechUnavailable("no speech in time") from None
                if not opened:
                    opened = True
                    await self._let_begin()
                    self._open(sentence)
                    if speech.encoding is Encoding.PCM:
                        resampler = Resampler(speech.rate_hz, RATE_HZ)
                self._words += speech.words
                self._reply.add_words(speech.words, self._place_ms)
                self._append(_ulaw(speech, resampler), [word.end_ms + self._place_ms for word in speech.words])
        if resampler is not None:
            self._append(g711.encode(resampler.push(np.zeros(0, dtype=np.int16), last=True)))

    async def _let_begin(self) -> None:
        """Wait for a moment if the caller may be going on: what follows from that is decided elsewhere."""
        for _ in range(round(BEGINNING_MAX_S / BEGINNING_POLL_S)):
            if self._reply.opened or not self._caller_begins():
                return
            await asyncio.sleep(BEGINNING_POLL_S)

    def _append(self, ulaw: bytes, word_ends_ms: Sequence[int] = ()) -> None:
        if ulaw or word_ends_ms:
            self.mouth.append(ulaw, word_ends_ms)
        self._made_ms += len(ulaw) // SAMPLES_PER_MS

    def _keep_whole_words(self) -> int:
        """Keep what this try said whole, and return how many words that is; a word that was cut is said again."""
        whole = [word for word in self._words if word.end_ms <= self._made_ms]
        if self._made_ms:
            self._reply.forget_words(len(self._words) - len(whole))
            self.mouth.take_back(self._place_ms + (whole[-1].end_ms if whole else 0))
        return len(whole)

    def _open(self, sentence: str) -> None:
        """The first sound of a try: begin the room's reply, pause behind the sentence before, or go on."""
        if not self._begun:
            self._start_sound()
            self._begun = True
            self._reply.sentences.append(sentence)
        self._place_ms = self.mouth.reply_ms

    def _start_sound(self) -> None:
        """Begin the room's reply at its first sound, or pause behind what was heard before."""
        if self._reply.opened:
            whole = not self._reply.sentences or self._reply.sentences[-1].endswith(_SENTENCE_ENDS)
            self.mouth.append(g711.ULAW_SILENCE * ((PAUSE_MS if whole else CLAUSE_PAUSE_MS) * SAMPLES_PER_MS))
            return
        self._reply.opened = True
        self._reply.waterfall.first_audio_ms = self.mouth.now
        self.mouth.begin_reply()
        self._on_open()


def _ulaw(speech: Speech, resampler: Resampler | None) -> bytes:
    """Return a piece as the line carries it; only what is not so already is resampled."""
    if resampler is None:
        return speech.audio
    return g711.encode(resampler.push(np.frombuffer(speech.audio, dtype=np.int16)))
