"""From the model's answer to speech in the room, sentence by sentence, as each arrives.

A voice that fails in a sentence goes on where it broke off; failed twice, the answer fails. No model's answer is a
stock phrase: "one moment" while it is late, an apology and the end of the call when there will be none.
"""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final, Protocol

import numpy as np
import structlog

from agent.apology import break_off, reason_of
from agent.llm.port import Ahead, EventName, Late, Message, Model, ModelUnavailable, Request, Role, Text, Tool, ToolCall
from agent.reply import Reply, Waterfall
from agent.sentences import SentenceSplitter
from agent.stock_phrases import StockPhrases
from agent.tts.port import Encoding, Speech, SpeechUnavailable, Voice
from media.codec import g711
from media.codec.resample import Resampler
from media.frame import RATE_HZ, SAMPLES_PER_MS

log = structlog.get_logger()

PAUSE_MS: Final = 140  # between sentences, as people breathe
RETRY_AFTER_S: Final = 0.8  # a speech process that died is back by then
AHEAD_MS: Final = 20_000  # more than this unsent is not made yet
_AHEAD_POLL_S: Final = 0.5
FIRST_TOKEN_TIMEOUT_S: Final = 8.0
NEXT_TOKEN_TIMEOUT_S: Final = 8.0
SENTENCE_TIMEOUT_S: Final = 10.0
END_CALL: Final = "end_call"


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
    def unsent_ms(self) -> int: ...
    def begin_reply(self) -> None: ...
    def append(self, ulaw: bytes, word_ends_ms: Sequence[int] = ()) -> None: ...
    def complete_reply(self) -> None: ...


class Means(Protocol):
    @property
    def model(self) -> Model: ...
    @property
    def voice(self) -> Voice: ...
    @property
    def variables(self) -> dict[str, str]: ...
    @property
    def instructions(self) -> str: ...
    @property
    def tools(self) -> tuple[Tool, ...]: ...
    @property
    def temperature(self) -> float | None: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def prompt_version(self) -> str: ...
    @property
    def phrases(self) -> StockPhrases: ...
    @property
    def ahead(self) -> Ahead | None: ...


async def produce(
    reply: Reply, messages: tuple[Message, ...], means: Means, mouth: Mouth, on_open: Callable[[], None]
) -> None:
    """Make the whole answer and append it to the room's reply; `on_open` is called at its first sound.

    An answer that has `failed` already is the apology alone.

    Raises:
        SpeakingFailed: the voice failed twice.
    """
    reply.prompt_version = means.prompt_version
    speech = _Speech(reply, means.voice, mouth, on_open)
    failed = reply.failed
    try:
        if not failed:
            try:
                await _answer(reply, _request(messages, means), means, speech)
            except ModelUnavailable as error:
                failed = reason_of(error.failure)
                log.error("answer.failed", reason=failed, sentences=len(reply.sentences))
        if failed and (last_words := break_off(reply, failed, means.phrases)):
            await speech.say(last_words)
    except SpeakingFailed as error:
        break_off(reply, error.reason, means.phrases)  # the words cannot be said; the note remains
        raise
    if reply.opened:
        mouth.complete_reply()


async def _answer(reply: Reply, request: Request, means: Means, speech: "_Speech") -> None:
    """Raises ModelUnavailable, SpeakingFailed."""
    has_words = await _stream(reply, request, means, speech)
    if reply.calls and not has_words and not any(call.name == END_CALL for call in reply.calls):
        # Models like to call a tool and wait for its result before they speak; the caller waits too.
        await _stream(reply, replace(request, called=tuple(reply.calls)), means, speech)


def think_ahead(messages: tuple[Message, ...], means: Means) -> None:
    """Have the answer to that begun, where that is allowed; `produce` goes on with it if it is asked the same."""
    if means.ahead is not None:
        means.ahead.suppose(_request(messages, means))


async def think_silently(messages: tuple[Message, ...], means: Means) -> Reply:
    """Let the model draw its conclusions (tool calls) from what was said last; there is no second try, and no words."""
    reply = Reply(0, Waterfall())
    with contextlib.suppress(ModelUnavailable, TimeoutError):
        await _conclude(reply, messages, means)
    return reply


async def _conclude(reply: Reply, messages: tuple[Message, ...], means: Means) -> None:
    async with asyncio.timeout(FIRST_TOKEN_TIMEOUT_S), aclosing(means.model.reply(_request(messages, means))) as deltas:
        async for delta in deltas:
            if isinstance(delta, ToolCall):
                reply.calls.append(delta)


def _request(messages: tuple[Message, ...], means: Means) -> Request:
    return Request(
        messages, means.instructions, means.variables, means.tools, means.temperature, max_tokens=means.max_tokens
    )


def _meanwhile(messages: tuple[Message, ...], phrases: StockPhrases) -> str:
    """Return what is said while the answer to that is late."""
    if messages and messages[-1].role is Role.EVENT and messages[-1].text == EventName.MESSAGE_BEEP:
        return ""  # nobody waits: it would be recorded
    spoken = any(message.role is Role.ASSISTANT for message in messages)
    return phrases.one_moment if spoken else phrases.hello


async def _stream(reply: Reply, request: Request, means: Means, speech: "_Speech") -> bool:
    """Speak the answer to one request; returns whether it had words. Raises ModelUnavailable, SpeakingFailed."""
    splitter = SentenceSplitter()
    has_words = False
    async with aclosing(means.model.reply(request)) as deltas:
        timeout_s = FIRST_TOKEN_TIMEOUT_S
        while True:
            try:
                async with asyncio.timeout(timeout_s):
                    delta = await anext(deltas)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise ModelUnavailable("no token in time") from None
            if isinstance(delta, Late):
                if not reply.opened and (phrase := _meanwhile(request.messages, means.phrases)):
                    await speech.say(phrase)
                continue
            timeout_s = NEXT_TOKEN_TIMEOUT_S
            if reply.waterfall.first_token_ms is None:
                reply.waterfall.first_token_ms = speech.mouth.now
            if isinstance(delta, Text):
                has_words = has_words or bool(delta.text.strip())
                for sentence in splitter.push(delta.text):
                    await speech.say(sentence)
            elif isinstance(delta, ToolCall):
                reply.calls.append(delta)
    for sentence in splitter.flush():
        await speech.say(sentence)
    return has_words


class _Speech:
    """Speaks sentences one after another into the room."""

    def __init__(self, reply: Reply, voice: Voice, mouth: Mouth, on_open: Callable[[], None]) -> None:
        self.mouth = mouth
        self._reply = reply
        self._voice = voice
        self._on_open = on_open
        self._said_ms = 0  # of the sentence that is being said
        self._place_ms = 0  # its place in the reply

    async def say(self, sentence: str) -> None:
        """Raises SpeakingFailed."""
        # Polled, not awaited: the play-out is the audio plane's, which wakes nobody.
        while self._reply.opened and self.mouth.unsent_ms > AHEAD_MS:  # noqa: ASYNC110
            await asyncio.sleep(_AHEAD_POLL_S)
        self._said_ms = 0
        try:
            await self._say_once(sentence)
        except SpeechUnavailable:
            # The same voice says the same words in the same time, so it goes on where it broke off.
            log.warning("tts.unavailable", said_ms=self._said_ms)
            await asyncio.sleep(RETRY_AFTER_S)
            try:
                await self._say_once(sentence)
            except SpeechUnavailable:
                raise SpeakingFailed("speech_unavailable") from None

    async def _say_once(self, sentence: str) -> None:
        """Speak a sentence, but for what of it the room has already."""
        skip_ms = self._said_ms
        resampler: Resampler | None = None
        begun = False
        made = 0  # samples of this sentence at the telephone's rate
        try:
            async with asyncio.timeout(SENTENCE_TIMEOUT_S), aclosing(self._voice.speak(sentence)) as pieces:
                async for speech in pieces:
                    if not begun:
                        begun = True
                        if speech.encoding is Encoding.PCM:
                            resampler = Resampler(speech.rate_hz, RATE_HZ)
                        if not skip_ms:
                            self._place_ms = self._open()
                            self._reply.sentences.append(sentence)
                    words = tuple(w for w in speech.words if w.start_ms >= skip_ms)
                    self._reply.add_words(words, self._place_ms)
                    ends_ms = [word.end_ms + self._place_ms for word in words]
                    made = self._append(_ulaw(speech, resampler), made, skip_ms, ends_ms)
        except TimeoutError:
            raise SpeechUnavailable("no speech in time") from None
        if resampler is not None:
            rest = g711.encode(resampler.push(np.zeros(0, dtype=np.int16), last=True))
            self._append(rest, made, skip_ms)

    def _append(self, ulaw: bytes, made: int, skip_ms: int, word_ends_ms: Sequence[int] = ()) -> int:
        """Give the room what of `ulaw` lies beyond `skip_ms`; returns the samples made so far."""
        fresh = ulaw[max(0, skip_ms * SAMPLES_PER_MS - made) :]
        if fresh or word_ends_ms:
            self.mouth.append(fresh, word_ends_ms)
        made += len(ulaw)
        self._said_ms = max(self._said_ms, made // SAMPLES_PER_MS)
        return made

    def _open(self) -> int:
        """Begin the room's reply at its first sound, or pause after the sentence before; returns the place."""
        if self._reply.opened:
            self.mouth.append(g711.ULAW_SILENCE * (PAUSE_MS * SAMPLES_PER_MS))
        else:
            self._reply.opened = True
            self._reply.waterfall.first_audio_ms = self.mouth.now
            self.mouth.begin_reply()
            self._on_open()
        return self.mouth.reply_ms


def _ulaw(speech: Speech, resampler: Resampler | None) -> bytes:
    """Return a piece as the line carries it; only what is not so already is resampled."""
    if resampler is None:
        return speech.audio
    return g711.encode(resampler.push(np.frombuffer(speech.audio, dtype=np.int16)))
