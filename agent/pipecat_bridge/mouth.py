"""A pipecat TTS service as a voice: one sentence at a time, each a turn of its own to the service.

Taking a sentence back is an interruption, which the service tells its vendor of. What still comes of it is let fall
until the service has handed the interruption on.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from agent.llm.port import Failure
from agent.pipecat_bridge.host import HOPELESS, RATE_HZ, Host, ServiceFailed
from agent.pipecat_bridge.parts import (
    BotStartedSpeakingFrame,
    BotStoppedSpeakingFrame,
    Frame,
    InterruptionFrame,
    TTSAudioRawFrame,
    TTSService,
    TTSSpeakFrame,
    TTSStoppedFrame,
    TTSTextFrame,
)
from agent.pipecat_bridge.services import BridgedService
from agent.pipecat_bridge.words import MS_PER_LETTER, SpokenWords
from agent.tts.port import Encoding, Speech, SpeechUnavailable

FIRST_TIMEOUT_S: Final = 3.0
# Services that cannot tell when a sentence is over wait up to 3 s for more of it, by their argument
# stop_frame_timeout_s.
NEXT_TIMEOUT_S: Final = 3.5
FRAMES_MAX: Final = 4_000  # of one sentence, audio and words; more is no sentence
_STEP_NS: Final = 10**13  # between sentences on the service's clock: longer than any of them takes


class PipecatVoice:
    """Implements `agent.tts.registry.CallVoice`; `tasks` is the process's, one of them holds the call's service."""

    def __init__(self, bridged: BridgedService, language: str, tasks: asyncio.TaskGroup) -> None:
        self._bridged = bridged
        self._language = language
        self._tasks = tasks
        self._name = bridged.name
        self._encoding = Encoding.ULAW if bridged.ulaw else Encoding.PCM
        self._sentence: asyncio.Queue[Frame | ServiceFailed] | None = None  # where its frames go; none is being said
        self._interrupting = 0  # interruptions that the service has not handed on
        self._ms_per_letter = MS_PER_LETTER
        self._tells_words: bool | None = None  # unknown before the first sentence is over
        self._host = self._hosted()

    async def warm(self) -> bool:
        """As CallVoice says: the service connects as it starts."""
        try:
            await self._host.until_started()
        except ServiceFailed:
            return False
        return True

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Raises SpeechUnavailable."""
        if not text.strip():
            return
        try:
            await self._host.until_started()
        except ServiceFailed as error:
            if error.failure not in HOPELESS:
                self._renew()
            raise SpeechUnavailable(str(error), error.failure) from None
        if self._sentence is not None:
            raise SpeechUnavailable(f"{self._name}: it is speaking already")
        sentence: asyncio.Queue[Frame | ServiceFailed] = asyncio.Queue(FRAMES_MAX)
        self._sentence = sentence
        host, over = self._host, False
        try:
            self._host.clock.now_ns += _STEP_NS
            self._host.send(TTSSpeakFrame(text, append_to_context=False))
            words = SpokenWords(text, self._ms_per_letter, estimate=self._tells_words is False)
            made_ms, rate_hz = 0.0, RATE_HZ
            while not over:
                frame = await self._next(sentence, FIRST_TIMEOUT_S if not made_ms else NEXT_TIMEOUT_S)
                match frame:
                    case TTSAudioRawFrame(audio=audio) if audio:
                        if not made_ms:
                            self._host.send(BotStartedSpeakingFrame())
                        rate_hz = RATE_HZ if self._encoding is Encoding.ULAW else frame.sample_rate
                        made_ms += self._ms(audio, rate_hz)
                        yield Speech(audio, rate_hz, words.due(round(made_ms)), self._encoding)
                    case TTSTextFrame(pts=int(pts)):
                        at_ms = (pts - self._host.clock.now_ns) // 1_000_000
                        if told := words.tell(frame.text, at_ms, round(made_ms)):
                            yield Speech(b"", rate_hz, told, self._encoding)
                    case TTSStoppedFrame():
                        over = True
            if not made_ms:
                raise SpeechUnavailable(f"{self._name}: no sound", Failure.EMPTY)
            self._tells_words = self._tells_words or words.told
            self._ms_per_letter = words.pace(round(made_ms))
            if rest := words.rest(round(made_ms)):
                yield Speech(b"", rate_hz, rest, self._encoding)
        except SpeechUnavailable:
            # Its connection may be dead without its knowing: the next sentence gets another one.
            self._renew()
            raise
        finally:
            self._sentence = None
            if over:
                self._host.send(BotStoppedSpeakingFrame())
            elif host is self._host:
                self._interrupting += 1
                host.send(InterruptionFrame())

    async def aclose(self) -> None:
        """The task that holds the service ends it by itself."""
        self._host.close()

    def _hosted(self) -> Host:
        host = Host(self._bridged, TTSService, self._language, self._take, self._failed)
        self._tasks.create_task(host.run(), name="pipecat.tts")
        return host

    def _renew(self) -> None:
        self._host.close()
        self._interrupting = 0
        self._host = self._hosted()

    async def _next(self, sentence: asyncio.Queue[Frame | ServiceFailed], timeout_s: float) -> Frame:
        """Raises SpeechUnavailable."""
        try:
            async with asyncio.timeout(timeout_s):
                frame = await sentence.get()
        except TimeoutError:
            raise SpeechUnavailable(f"{self._name}: no speech in time", Failure.TIMEOUT) from None
        if isinstance(frame, ServiceFailed):
            raise SpeechUnavailable(str(frame), frame.failure)
        return frame

    def _take(self, host: Host, frame: Frame) -> None:
        if host is not self._host:
            return
        if isinstance(frame, InterruptionFrame):
            self._interrupting = max(0, self._interrupting - 1)
            host.forget_under_way()
        elif isinstance(frame, TTSAudioRawFrame | TTSTextFrame | TTSStoppedFrame) and not self._interrupting:
            self._put(frame)

    def _failed(self, host: Host, failed: ServiceFailed) -> None:
        # What the service says of a sentence that was taken back is none of the next one's business.
        if host is self._host and not self._interrupting:
            self._put(failed)

    def _put(self, item: Frame | ServiceFailed) -> None:
        if self._sentence is None:
            return
        if self._sentence.full():
            self._sentence.get_nowait()
            item = ServiceFailed(f"{self._name}: more than a sentence takes", Failure.GARBAGE)
        self._sentence.put_nowait(item)

    def _ms(self, audio: bytes, rate_hz: int) -> float:
        return len(audio) * 1_000 / rate_hz / (1 if self._encoding is Encoding.ULAW else 2)
