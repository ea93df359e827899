"""pipecat services made for tests: some work, each in another way than the vendors' at hand, and some fail."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from agent.pipecat_bridge.parts import (
    Frame,
    FrameProcessorSetup,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    SegmentedSTTService,
    STTService,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSService,
)


class Segments(SegmentedSTTService):
    """Says how long the segment was that it got, at a rate of its own."""

    def __init__(self, *, rate_hz: int = 16_000) -> None:
        super().__init__(sample_rate=rate_hz, ttfs_p99_latency=0.0)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        length_ms = (len(audio) - 44) * 1_000 // 2 // self.sample_rate - 500  # without its header and padding
        yield TranscriptionFrame(f"{length_ms} ms", "", "")


class Guesses(STTService):
    """Guesses and never says what is final."""

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield InterimTranscriptionFrame("maybe", "", "")


class Raises(STTService):
    """Fails at each packet, and so does its own task."""

    async def process_audio_frame(self, frame: InputAudioRawFrame, direction: Any) -> None:
        self.create_task(self._fail())
        raise ValueError("what was said")

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield None

    async def _fail(self) -> None:
        raise RuntimeError("what was said")


class NeverStarts(STTService):
    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]  # as all of theirs do
        await super().setup(setup)
        await asyncio.sleep(3_600)

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield None


class SetupRaises(NeverStarts):
    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]  # as all of theirs do
        raise RuntimeError("no")


class Stubborn(NeverStarts):
    """Does not end when it is told to."""

    async def setup(self, setup: FrameProcessorSetup) -> None:  # type: ignore[override]  # as all of theirs do
        await STTService.setup(self, setup)

    async def cleanup(self) -> None:
        await asyncio.sleep(3_600)


class Requests(TTSService):
    """A voice that answers requests: 100 ms a letter, no times of words, at a rate of its own."""

    def __init__(self, *, silent: bool = False) -> None:
        super().__init__(sample_rate=16_000, push_start_frame=True, push_stop_frames=True)
        self._silent = silent

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        for _ in text if not self._silent else ():
            yield TTSAudioRawFrame(bytes(3_200), self.sample_rate, 1, context_id=context_id)
