"""Sentences into the room, by a voice that may fail: what was not said yet is said by the next try, word for word.

Another voice, and most vendors' own, says the same words in another time, so what goes on is counted in words: the
last word that the room has whole is kept, the sound of a word that was cut is taken back as far as it was not sent.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np
import structlog

from agent.bridge import Sound
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
_PHRASE_TRIES: Final = 2


class SpeakingFailed(Exception):
    """The answer cannot be made or spoken; `reason` is a code for the call's record."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Mouth(Sound, Protocol):
    """What of the room an answer needs."""

    @property
    def unsent_ms(self) -> int: ...
    def begin_reply(self) -> None: ...
    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = (), *, leveled: bool = True) -> None: ...
    def take_back(self, to_ms: int) -> None:
        """Forget what of the reply lies behind `to_ms` and was not sent."""

    def complete_reply(self) -> None: ...


@dataclass(slots=True)
class _Try:
    """One voice's try at a text."""

    place_ms: int = 0  # of its first sample, in the reply
    words: list[SpokenWord] = field(default_factory=list)  # that it has told of, timed from its first sample
    made_ms: int = 0  # speech
    whole: int = 0  # of its words, when it has failed: they stay


class Saying:
    """Speaks the sentences of one answer, one after another; in a silence between, a stock phrase."""

    def __init__(
        self,
        reply: Reply,
        voice: Voice,
        mouth: Mouth,
        on_open: Callable[[], None],
        caller_begins: Callable[[], bool] = lambda: False,
        caller_speaks: Callable[[], bool] = lambda: False,
    ) -> None:
        """`on_open` is called at the reply's first sound, which waits for a moment while `caller_begins`.

        `caller_speaks`: then no phrase begins.
        """
        self.mouth = mouth
        self._reply = reply
        self._voice = voice
        self._on_open = on_open
        self._caller_begins = caller_begins
        self._caller_speaks = caller_speaks
        self._said: list[str] | None = None  # of a sentence that is in the room, but not to its end: its whole words
        self._sounding = asyncio.Lock()  # held by the one text that is being put into the room

    async def say(self, sentence: str) -> None:
        """Raises SpeakingFailed."""
        # Polled, not awaited: the play-out is the audio plane's, which wakes nobody.
        while self._reply.opened and self.mouth.unsent_ms > AHEAD_MS:  # noqa: ASYNC110
            await asyncio.sleep(_AHEAD_POLL_S)
        left = sentence.split()
        failures = alone = 0
        while True:
            attempt = _Try()
            try:
                await self._try(attempt, " ".join(left), self._begin_sentence)
            except SpeechUnavailable as error:
                failures += 1
                alone += not error.elsewhere
                if self._said is not None:
                    self._said += left[: attempt.whole]
                left = left[attempt.whole :]
                log.warning("tts.unavailable", failure=error.failure, left=len(left), elsewhere=error.elsewhere)
                if self._said is not None and not left:
                    break  # it broke off behind its last word
                if alone > 1 or failures >= FAILURES_MAX:
                    raise SpeakingFailed("speech_unavailable") from None
                if not error.elsewhere:
                    await asyncio.sleep(RETRY_AFTER_S)
            else:
                break
        self._said = None

    async def meanwhile(self, phrase: str) -> None:
        """Say a phrase, unless something else begins to sound before it can; a voice that fails is left at that."""
        heard_ms = self.mouth.reply_ms if self._reply.opened else None

        def begin(text: str) -> bool:
            if self._caller_speaks() or heard_ms != (self.mouth.reply_ms if self._reply.opened else None):
                return False
            self._break_sentence()
            self._start_sound()
            self._reply.sentences.append(text)
            return True

        for _ in range(_PHRASE_TRIES):
            attempt = _Try()
            try:
                await self._try(attempt, phrase, begin)
            except SpeechUnavailable as error:
                log.warning("tts.unavailable", failure=error.failure, elsewhere=error.elsewhere, phrase=True)
                if attempt.made_ms:
                    said = phrase.split()[: attempt.whole]
                    self._reply.sentences[-1:] = [" ".join(said)] if said else []
                elif error.elsewhere:
                    continue
            return

    async def pause(self) -> None:
        """Wait until a phrase that has begun is in the room to its end."""
        async with self._sounding:
            pass

    def press(self, keys: str) -> None:
        """Have keys of a telephone heard, as their tones."""
        self._start_sound()
        self._reply.keys += keys
        self.mouth.append(tones(keys), leveled=False)

    async def _try(self, attempt: _Try, text: str, begin: Callable[[str], bool]) -> None:
        """Speak a text, as far as the voice gets; `begin` makes room for it, or says that it is not wanted any more.

        Raises:
            SpeechUnavailable: what was said of it whole stays, and is in `attempt`.
        """
        resampler: Resampler | None = None
        async with AsyncExitStack() as stack:
            pieces = await stack.enter_async_context(aclosing(self._voice.speak(text)))
            opened = False
            try:
                while (speech := await _next(pieces)) is not None:
                    if not opened:
                        await stack.enter_async_context(self._sounding)
                        await self._let_begin()
                        if not begin(text):
                            return
                        opened = True
                        attempt.place_ms = self.mouth.reply_ms
                        if speech.encoding is Encoding.PCM:
                            resampler = Resampler(speech.rate_hz, RATE_HZ)
                    attempt.words += speech.words
                    self._reply.add_words(speech.words, attempt.place_ms)
                    ends_ms = [word.end_ms + attempt.place_ms for word in speech.words]
                    self._append(attempt, _ulaw(speech, resampler), ends_ms)
                if resampler is not None:
                    self._append(attempt, g711.encode(resampler.push(np.zeros(0, dtype=np.int16), last=True)))
            except SpeechUnavailable:
                # Before anybody else may put something behind it.
                self._keep_whole_words(attempt)
                raise

    async def _let_begin(self) -> None:
        """Wait for a moment if the caller may be going on: what follows from that is decided elsewhere."""
        for _ in range(round(BEGINNING_MAX_S / BEGINNING_POLL_S)):
            if self._reply.opened or not self._caller_begins():
                return
            await asyncio.sleep(BEGINNING_POLL_S)

    def _append(self, attempt: _Try, ulaw: bytes, word_ends_ms: Sequence[int] = ()) -> None:
        if ulaw or word_ends_ms:
            self.mouth.append(ulaw, word_ends_ms)
        attempt.made_ms += len(ulaw) // SAMPLES_PER_MS

    def _keep_whole_words(self, attempt: _Try) -> None:
        """Keep what a try has said whole; a word that was cut is said again."""
        whole = [word for word in attempt.words if word.end_ms <= attempt.made_ms]
        if attempt.made_ms:
            self._reply.forget_words(len(attempt.words) - len(whole))
            self.mouth.take_back(attempt.place_ms + (whole[-1].end_ms if whole else 0))
        attempt.whole = len(whole)

    def _begin_sentence(self, text: str) -> bool:
        """The first sound of a sentence, or of what is left of one behind a phrase; a further try just goes on."""
        if self._said is None:
            self._said = []
            self._start_sound()
            self._reply.sentences.append(text)
        return True

    def _break_sentence(self) -> None:
        """A phrase comes in the middle of a sentence: what was said of it stands alone."""
        if self._said is not None:
            self._reply.sentences.pop()
            if self._said:
                self._reply.sentences.append(" ".join(self._said))
            self._said = None

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


async def _next(pieces: AsyncGenerator[Speech, None]) -> Speech | None:
    """Return the next piece, None behind the last. Raises SpeechUnavailable."""
    try:
        async with asyncio.timeout(PIECE_TIMEOUT_S):
            return await anext(pieces)
    except StopAsyncIteration:
        return None
    except TimeoutError:
        raise SpeechUnavailable("no speech in time") from None


def _ulaw(speech: Speech, resampler: Resampler | None) -> bytes:
    """Return a piece as the line carries it; only what is not so already is resampled."""
    if resampler is None:
        return speech.audio
    return g711.encode(resampler.push(np.frombuffer(speech.audio, dtype=np.int16)))
