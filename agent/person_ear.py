"""Listens to one person beside the prospect, a rep or a supervisor: their words, utterance by utterance.

It has a recogniser of its own, opened when it begins to run, and a voice detector of its own. Nobody waits for an
answer, so an utterance ends by silence alone, and a recogniser that fails costs that utterance's words and no more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import structlog

from agent.listening import Listening
from agent.signal_queue import SignalQueue
from agent.stt.port import Recognizer, TranscriptionUnavailable
from media.activity.detector import Detector, Thresholds, VoiceEnded, VoiceSignal, VoiceStarted
from media.activity.silero import ActivityStream, OnProbability
from media.codec import g711
from media.codec.g711 import Samples
from media.frame import FRAME_SAMPLES, ms_to_samples

log = structlog.get_logger()

STOP_MS: Final = 700  # of silence that ends what a person says
OPEN_TIMEOUT_S: Final = 5.0
AGAIN_S: Final = 10.0  # until a recogniser that could not be had is asked for again
SIGNALS_MAX: Final = 100
_SILENCE: Final = bytes(2 * FRAME_SAMPLES)
_ULAW_SILENCE: Final = g711.ULAW_SILENCE * FRAME_SAMPLES

OpenEar = Callable[[], Awaitable[Recognizer]]
"""Opens a recogniser in the call's language. Raises TranscriptionUnavailable."""
OnSaid = Callable[[str, VoiceEnded], None]
"""Gets what was said, and when by the call's timeline."""


class PersonEar:
    """One person's. `hear` takes a frame each 20 ms from the conference's clock; `run` is its task: cancel it."""

    def __init__(
        self,
        open_activity: Callable[[OnProbability], ActivityStream],
        open_ear: OpenEar,
        now_ms: Callable[[], int],
        on_said: OnSaid,
    ) -> None:
        """`now_ms`: the call's timeline."""
        self._activity = open_activity(self._on_probability)
        self._open_ear = open_ear
        self._now_ms = now_ms
        self._on_said = on_said
        self._detector = Detector(Thresholds(stop_ms=STOP_MS))
        self._signals: SignalQueue[VoiceSignal] = SignalQueue(SIGNALS_MAX)
        self._listening: Listening | None = None  # None: there is no recogniser
        self._ulaw = False
        self._placed = False

    def hear(self, pcm: Samples | None) -> None:
        """Take 20 ms, int16 at 8 kHz; None is silence."""
        if not self._placed:
            self._placed = True
            self._activity.skip_to(ms_to_samples(self._now_ms()))
        frame = _SILENCE if pcm is None else pcm.tobytes().ljust(len(_SILENCE), b"\0")
        self._activity.feed(frame)
        if self._listening is not None:
            self._listening.hear(frame, g711.encode(pcm) if self._ulaw and pcm is not None else _ULAW_SILENCE)

    async def run(self) -> None:
        try:
            recognizer = await self._open()
            try:
                self._ulaw = recognizer.feeding.ulaw
                self._listening = Listening(recognizer)
                await self._listen(self._listening)
            finally:
                self._listening = None
                await recognizer.aclose()
        finally:
            self._activity.close()

    async def _open(self) -> Recognizer:
        while True:
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S):
                    return await self._open_ear()
            except (TranscriptionUnavailable, TimeoutError) as error:
                log.warning("person_ear.unavailable", reason=type(error).__name__, again_in_s=AGAIN_S)
                await asyncio.sleep(AGAIN_S)

    async def _listen(self, listening: Listening) -> None:
        while True:
            match await self._signals.get():
                case VoiceStarted() if not listening.active:
                    listening.begin(self._now_ms())
                case VoiceEnded() as ended if listening.active:
                    said = await listening.finish()
                    if said.text:
                        self._on_said(said.text, ended)
                case _:
                    pass

    def _on_probability(self, probability: float, end_ms: int, rms: float) -> None:
        signal = self._detector.window(probability, end_ms, rms)
        self._activity.voice = self._detector.voice
        if signal is None:
            return
        if isinstance(signal, VoiceStarted) and self._listening is not None:
            self._listening.hold(self._now_ms() - signal.first_voiced_ms)
        if isinstance(signal, VoiceStarted | VoiceEnded):
            self._signals.put(signal)


@dataclass(frozen=True, slots=True)
class PersonEars:
    """Makes one call's."""

    open_activity: Callable[[OnProbability], ActivityStream]
    open_ear: OpenEar | None  # None: nobody's words can be taken down
    now_ms: Callable[[], int]

    def open(self, on_said: OnSaid) -> PersonEar | None:
        if self.open_ear is None:
            return None
        return PersonEar(self.open_activity, self.open_ear, self.now_ms, on_said)
