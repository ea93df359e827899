"""A pipecat STT service as a recogniser.

A streaming one is fed all the time, as in its own pipelines: whether it bears gaps is not known of it. One that takes
segments gets whole utterances. What is final when is told by the service where it can (a final marked so, or its time
to the first final), and guessed from its silence where it cannot.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import numpy as np

from agent.llm.port import Failure
from agent.pipecat_bridge.host import HOPELESS, RATE_HZ, Host, ServiceFailed
from agent.pipecat_bridge.parts import (
    EagerEndOfTurnCancelFrame,
    EagerTranscriptionFrame,
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    MetricsData,
    MetricsFrame,
    ProposedUserStartedSpeakingFrame,
    ProposedUserStoppedSpeakingFrame,
    SegmentedSTTService,
    STTService,
    TranscriptionFrame,
    TTFBMetricsData,
    UserStartedSpeakingFrame,
    UserStoppedSpeakingFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from agent.pipecat_bridge.services import BridgedService
from agent.pipecat_bridge.words import heard_words, vendor_words
from agent.stt.port import (
    PREROLL_MS,
    Feeding,
    HeardWord,
    OnPartial,
    OnTurn,
    Transcript,
    TranscriptionUnavailable,
    TurnSign,
    no_turns,
)
from media.codec.resample import Resampler

PACKET_MS: Final = 80
FINAL_TIMEOUT_S: Final = 1.2  # a second recogniser needs its time too, before the caller finds us gone
SEGMENT_TIMEOUT_S: Final = 3.0  # a request per utterance takes longer
NEARLY_S: Final = 0.4  # after which words are enough that nobody calls a guess
UTTERANCE_MS_MAX: Final = 60_000
FINALS_FOLLOW_S: Final = 0.05  # behind the service's word that they are there
VAD_STOP_S: Final = 0.2  # of silence, before a voice counts as ended: services that time themselves want some


class PipecatRecognizers:
    """Implements `agent.stt.port.RecognizerFactory`; a task of `tasks`, the process's, holds each call's service."""

    def __init__(self, bridged: BridgedService, language: str, tasks: asyncio.TaskGroup) -> None:
        self._bridged = bridged
        self._language = language
        self._tasks = tasks

    async def open(
        self, phrases: tuple[str, ...], on_partial: OnPartial, on_turn: OnTurn = no_turns
    ) -> "PipecatRecognizer":
        """Raises TranscriptionUnavailable."""
        del phrases  # each service has its own way of being told, in its settings
        recognizer = PipecatRecognizer(self._bridged, self._language, self._tasks, on_partial, on_turn)
        try:
            await recognizer.until_open()
        except BaseException:
            await recognizer.aclose()
            raise
        return recognizer


class PipecatRecognizer:
    """Implements `agent.stt.port.Recognizer`."""

    def __init__(
        self,
        bridged: BridgedService,
        language: str,
        tasks: asyncio.TaskGroup,
        on_partial: OnPartial,
        on_turn: OnTurn,
    ) -> None:
        self._bridged = bridged
        self._language = language
        self._tasks = tasks
        self._name = bridged.name
        self._ulaw = bridged.ulaw
        self._segmented = False
        self._on_partial = on_partial
        self._on_turn = on_turn
        self._resampler: Resampler | None = None  # where the service wants another rate than the line's
        self._rate_hz = RATE_HZ
        self._packet = bytearray()
        self._fed_ms = 0.0
        self._utterance = _Utterance(0)
        self._confirms = False  # the service tells when an utterance is final
        self._changed = asyncio.Event()
        self.feeding = Feeding(ulaw=bridged.ulaw, continuous=True)
        self._host = self._hosted()

    async def until_open(self) -> None:
        """Raises TranscriptionUnavailable."""
        try:
            await self._host.until_started()
        except ServiceFailed as error:
            raise TranscriptionUnavailable(str(error), error.failure) from None
        service = self._host.service
        assert isinstance(service, STTService)
        self._segmented = isinstance(service, SegmentedSTTService)
        self.feeding = Feeding(ulaw=self._ulaw, continuous=not self._segmented)
        if service.sample_rate != RATE_HZ and not self._ulaw:
            self._resampler = Resampler(RATE_HZ, service.sample_rate)
            self._rate_hz = service.sample_rate

    def begin(self) -> None:
        before = PREROLL_MS if self.feeding.continuous else 0
        self._utterance = _Utterance(round(self._fed_ms) - before)
        self._utterance.open = True
        if self._segmented:
            self._packet.clear()  # of an utterance that was dropped
        else:
            self._host.send(VADUserStartedSpeakingFrame(start_secs=PREROLL_MS / 1_000))

    def feed(self, audio: bytes) -> None:
        if self._segmented:
            if self._utterance.open and len(self._packet) < self._bytes(UTTERANCE_MS_MAX):
                self._packet += audio
                self._fed_ms += self._ms(audio)
            return
        self._fed_ms += self._ms(audio)
        self._packet += audio
        if len(self._packet) >= self._bytes(PACKET_MS):
            self._flush()

    async def finish(self) -> Transcript:
        """Raises TranscriptionUnavailable."""
        said = self._utterance
        if not said.open:
            raise TranscriptionUnavailable(f"{self._name}: no utterance was begun")
        if self._segmented:
            self._host.send(VADUserStartedSpeakingFrame(start_secs=PREROLL_MS / 1_000))
        self._flush()
        said.ended_ms = round(self._fed_ms)
        self._host.send(VADUserStoppedSpeakingFrame(stop_secs=VAD_STOP_S))
        try:
            await self._settle(said)
        except TranscriptionUnavailable as error:
            if error.failure not in HOPELESS:
                # Its connection may be dead without its knowing: the next utterance gets another one.
                self._host.close()
                self._host = self._hosted()
                self._fed_ms = 0.0
            raise
        finally:
            said.open = False
        return said.transcript()

    async def aclose(self) -> None:
        """The task that holds the service ends it by itself."""
        self._host.close()

    def _hosted(self) -> Host:
        host = Host(self._bridged, STTService, self._language, self._take, self._failed)
        self._tasks.create_task(host.run(), name="pipecat.stt")
        return host

    async def _settle(self, said: "_Utterance") -> None:
        """Wait until the words are known. Raises TranscriptionUnavailable."""
        try:
            # One that was made anew may still be connecting.
            async with asyncio.timeout(FINAL_TIMEOUT_S):
                await self._host.until_started()
        except ServiceFailed as error:
            raise TranscriptionUnavailable(str(error), error.failure) from None
        except TimeoutError:
            raise TranscriptionUnavailable(f"{self._name}: no connection in time", Failure.TIMEOUT) from None
        try:
            async with asyncio.timeout(NEARLY_S):
                await self._until(lambda: said.final)
                return
        except TimeoutError:
            pass
        left_s = (SEGMENT_TIMEOUT_S if self._segmented else FINAL_TIMEOUT_S) - NEARLY_S
        try:
            async with asyncio.timeout(left_s):
                await self._until(lambda: said.final or (said.has_words and not said.guess))
        except TimeoutError:
            self._give_up(said)

    def _give_up(self, said: "_Utterance") -> None:
        """Nothing more came: was nothing said? Raises TranscriptionUnavailable."""
        service = self._host.service
        assert isinstance(service, STTService)
        if said.guess and not service.supports_ttfs:
            said.keep_guess()  # it ends turns when it likes; its guess is what it has
        elif said.guess or self._confirms or self._segmented:
            raise TranscriptionUnavailable(f"{self._name}: no words in time", Failure.TIMEOUT)

    async def _until(self, met: Callable[[], bool]) -> None:
        """Raises TranscriptionUnavailable: the service failed meanwhile, or is of no use."""
        while not met():
            failed = self._utterance.failed or self._host.failed
            if failed is not None:
                raise TranscriptionUnavailable(str(failed), failed.failure)
            self._changed.clear()
            await self._changed.wait()

    def _flush(self) -> None:
        if not self._packet:
            return
        audio = bytes(self._packet)
        self._packet.clear()
        if self._resampler is not None:
            audio = self._resampler.push(np.frombuffer(audio, np.int16)).tobytes()
        self._host.send(InputAudioRawFrame(audio, self._rate_hz, 1))

    def _take(self, host: Host, frame: Frame) -> None:
        said = self._utterance
        match frame:
            case _ if host is not self._host:
                return
            case TranscriptionFrame() if said.open:
                said.add(frame)
                self._confirms |= frame.finalized
                self._partial(said.text)
            case InterimTranscriptionFrame() | EagerTranscriptionFrame() if said.open:
                said.guess = frame.text.strip()
                self._partial(f"{said.text} {said.guess}".strip())
                if isinstance(frame, EagerTranscriptionFrame):
                    self._on_turn(TurnSign.PROBABLY_OVER)
            case MetricsFrame(data=data) if said.ended_ms is not None and _tells_first_final(data):
                # What a service tells when it has its final words, just before them, or when there are no more.
                asyncio.get_running_loop().call_later(FINALS_FOLLOW_S, self._confirmed, said)
            case UserStartedSpeakingFrame() | ProposedUserStartedSpeakingFrame():
                self._on_turn(TurnSign.STARTED)
            case UserStoppedSpeakingFrame() | ProposedUserStoppedSpeakingFrame():
                self._on_turn(TurnSign.OVER)
            case EagerEndOfTurnCancelFrame():
                self._on_turn(TurnSign.WENT_ON)
            case _:
                return
        self._changed.set()

    def _confirmed(self, said: "_Utterance") -> None:
        said.final = self._confirms = True
        said.guess = ""
        self._changed.set()

    def _partial(self, text: str) -> None:
        if text:
            self._on_partial(text)

    def _failed(self, host: Host, failed: ServiceFailed) -> None:
        if host is self._host:
            self._utterance.failed = failed
            self._changed.set()

    def _bytes(self, length_ms: int) -> int:
        return length_ms * RATE_HZ // 1_000 * (1 if self._ulaw else 2)

    def _ms(self, audio: bytes) -> float:
        return len(audio) * 1_000 / RATE_HZ / (1 if self._ulaw else 2)


def _tells_first_final(data: list[MetricsData]) -> bool:
    return any(isinstance(one, TTFBMetricsData) for one in data)


class _Utterance:
    """What a service said of one utterance."""

    def __init__(self, began_ms: int) -> None:
        self.open = False
        self.began_ms = began_ms  # its first sample, of all that was fed
        self.ended_ms: int | None = None
        self.final = False
        self.guess = ""  # behind the finals
        self.failed: ServiceFailed | None = None
        self._finals: list[str] = []
        self._told: list[tuple[str, int, int]] | None = []  # None: not all of them tell times

    @property
    def text(self) -> str:
        return " ".join(self._finals)

    @property
    def has_words(self) -> bool:
        return bool(self._finals)

    def add(self, frame: TranscriptionFrame) -> None:
        self.guess = ""
        self.final = self.final or (frame.finalized and self.ended_ms is not None)
        if text := frame.text.strip():
            self._finals.append(text)
            told = vendor_words(frame.result)
            self._told = self._told + told if self._told is not None and told else None

    def keep_guess(self) -> None:
        self._finals.append(self.guess)
        self._told = None

    def transcript(self) -> Transcript:
        if not self._finals:
            return Transcript("", (), 0.0)
        length_ms = (self.ended_ms or 0) - self.began_ms
        words: tuple[HeardWord, ...] = heard_words(self.text, self._told or [], self.began_ms, PREROLL_MS, length_ms)
        return Transcript(self.text, words)
