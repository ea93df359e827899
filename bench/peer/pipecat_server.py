"""The peer under measure: pipecat's own telephone server, built as its examples build it. Run by another interpreter.

`python -I pipecat_server.py --profile default|lean [--core N]` prints one JSON line `{"pid": …, "stream_url": …}` and
serves Media Streams on loopback until SIGTERM. It imports nothing of this project: the environment that runs it holds
pipecat and a web server, nothing else. Recogniser, model and voice take no time, as those of `bench/fakes.py` do; all
else is the framework's: transport, serializer, voice activity, turns, context, pipeline.

Profile *default* has what the framework's examples have: smart-turn, RTVI, turn tracking, metrics. *lean* has none of
these. Both log warnings only, which is less than the examples do.
"""

import argparse
import ctypes
import json
import math
import os
import signal
import socket
import sys
from array import array
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from typing import Any, Final

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADParams
from pipecat.frames.frames import (
    Frame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import LLMContextAggregatorPair, LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection
from pipecat.runner.utils import parse_telephony_websocket
from pipecat.serializers.twilio import TwilioFrameSerializer
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import FastAPIWebsocketParams, FastAPIWebsocketTransport
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)
RATE_HZ: Final = 8_000
STOP_S: Final = 0.2  # of silence that ends a turn: the framework's own default
# The same as in bench/fakes.py, which this file must not import.
TONE_HZ: Final = 400
TONE_MS: Final = 2_000
TONE_PEAK: Final = 6_000
ANSWER: Final = "one two three four five six seven eight nine ten eleven twelve."
HEARD: Final = "yes I would like to hear more about that"
_TONE: Final = array(
    "h",
    (int(math.sin(2 * math.pi * TONE_HZ * place / RATE_HZ) * TONE_PEAK) for place in range(TONE_MS * RATE_HZ // 1000)),
).tobytes()


class InstantRecognizer(STTService):
    """Takes all audio, and has its final text as soon as the voice activity says that speech is over."""

    def __init__(self) -> None:
        super().__init__(ttfs_p99_latency=0.0, settings=STTSettings(model="instant", language=None))

    def can_generate_metrics(self) -> bool:
        return True

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            await self.push_frame(TranscriptionFrame(HEARD, "", time_now_iso8601(), finalized=True))


class InstantModel(LLMService):
    """Says its twelve words at once, whatever was said."""

    def __init__(self) -> None:
        names = [field.name for field in fields(LLMSettings) if field.name not in ("model", "extra")]
        unused: dict[str, Any] = dict.fromkeys(names)  # the framework complains of settings that were not given
        super().__init__(settings=LLMSettings(model="instant", **unused))

    def can_generate_metrics(self) -> bool:
        return True

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if not isinstance(frame, LLMContextFrame):
            await self.push_frame(frame, direction)
            return
        await self.push_frame(LLMFullResponseStartFrame())
        await self.start_processing_metrics()
        await self.start_ttfb_metrics()
        await self.stop_ttfb_metrics()
        await self.push_frame(LLMTextFrame(ANSWER))
        await self.stop_processing_metrics()
        await self.push_frame(LLMFullResponseEndFrame())


class ToneVoice(TTSService):
    """Speaks a tone of two seconds at once for any text."""

    def __init__(self) -> None:
        settings = TTSSettings(model="instant", voice="tone", language=None)
        super().__init__(push_start_frame=True, push_stop_frames=True, sample_rate=RATE_HZ, settings=settings)

    def can_generate_metrics(self) -> bool:
        return True

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        await self.start_tts_usage_metrics(text)
        await self.stop_ttfb_metrics()
        yield TTSAudioRawFrame(_TONE, RATE_HZ, 1, context_id=context_id)


async def run_call(stream: WebSocket, lean: bool) -> None:
    """Carry one call until its socket closes."""
    _, call = await parse_telephony_websocket(stream)
    serializer = TwilioFrameSerializer(
        call["stream_id"], call["call_id"], params=TwilioFrameSerializer.InputParams(auto_hang_up=False)
    )
    transport = FastAPIWebsocketTransport(
        stream,
        FastAPIWebsocketParams(
            audio_in_enabled=True, audio_out_enabled=True, add_wav_header=False, serializer=serializer
        ),
    )
    strategies = UserTurnStrategies(stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.0)]) if lean else None
    users, assistants = LLMContextAggregatorPair(
        LLMContext(),
        user_params=LLMUserAggregatorParams(
            vad_analyzer=SileroVADAnalyzer(params=VADParams(stop_secs=STOP_S)), user_turn_strategies=strategies
        ),
    )
    steps = [transport.input(), InstantRecognizer(), users, InstantModel(), ToneVoice(), transport.output(), assistants]
    params = PipelineParams(
        audio_in_sample_rate=RATE_HZ,
        audio_out_sample_rate=RATE_HZ,
        enable_metrics=not lean,
        enable_usage_metrics=not lean,
    )
    if lean:
        worker = PipelineWorker(Pipeline(steps), params=params, enable_rtvi=False, enable_turn_tracking=False)
    else:
        worker = PipelineWorker(Pipeline(steps), params=params)

    @transport.event_handler("on_client_disconnected")  # type: ignore[untyped-decorator] # the framework's own
    async def left(_transport: FastAPIWebsocketTransport, _stream: WebSocket) -> None:
        await worker.cancel()

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


def new_app(lean: bool, stream_url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        sys.stdout.write(json.dumps({"pid": os.getpid(), "stream_url": stream_url}) + "\n")
        sys.stdout.flush()
        yield

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        await run_call(socket, lean)

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description="pipecat's telephone server with instant minds, on loopback")
    parser.add_argument("--profile", choices=("default", "lean"), default="default")
    parser.add_argument("--core", type=int, default=-1, help="pin the process to this core; -1: to none")
    options = parser.parse_args()
    if options.core >= 0:
        os.sched_setaffinity(0, {options.core})
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)  # a bench that is killed leaves no server behind
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    app = new_app(options.profile == "lean", f"ws://127.0.0.1:{listener.getsockname()[1]}/stream")
    # All else as uvicorn.run() has it: uvloop is taken where it is installed.
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main()
