"""Recognisers for tests, each with its peer: vendors' with a server that speaks their wire format."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from agent.llm.breaker import Breaker
from agent.llm.links import Access
from agent.pipecat_bridge.services import BridgedService
from agent.speech_process import SpeechProcess
from agent.stt.deepgram import DeepgramRecognizers
from agent.stt.embedded import EmbeddedRecognizers
from agent.stt.failover import FailoverRecognizers, Route
from agent.stt.port import Feeding, Recognizer, RecognizerFactory
from agent.stt.whisper import WhisperRecognizers
from agent.stt.whisper_process import Patience, WhisperProcess
from bench.providers.coded_speech import Vocabulary
from bench.providers.deepgram import Deepgram
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Fault, Hearing, InTurn, Reaction
from media.codec import g711
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_SAMPLES
from tests.agent.stt import made_whisper
from tests.agent.stt.lines import spoken

WORDS: Final = Vocabulary(
    [
        "alpha",
        "bravo",
        "charlie",
        "delta",
        "echo",
        "foxtrot",
        "golf",
        "hotel",
        "tomorrow",
        "at",
        "ten",
        "yes",
        "i",
        "do",
    ]
)
PHRASES: Final = ("yes i do", "tomorrow at ten", "hello")
PREROLL: Final = ULAW_SILENCE * FRAME_SAMPLES * 24


@dataclass(frozen=True, slots=True)
class Engine:
    factory: RecognizerFactory
    speech: Callable[[str], bytes]  # µ-law


def coded(text: str) -> bytes:
    return WORDS.say(text) + ULAW_SILENCE * 1_600


@asynccontextmanager
async def deepgram(
    *reactions: Reaction, model: str = "nova-3", key: str = "k"
) -> AsyncGenerator[tuple[DeepgramRecognizers, SpeechServer]]:
    script = InTurn(reactions or (Hearing(vocabulary=WORDS),))
    async with SpeechServer(Deepgram(), script, frozenset({"k"})) as server, asyncio.TaskGroup() as tasks:
        yield DeepgramRecognizers(Access(key, server.url), model, "en-US", tasks), server


@asynccontextmanager
async def _nova(_folder: Path) -> AsyncGenerator[Engine]:
    async with deepgram() as (factory, _server):
        yield Engine(factory, coded)


@asynccontextmanager
async def _flux(_folder: Path) -> AsyncGenerator[Engine]:
    async with deepgram(Hearing(vocabulary=WORDS, turn_s=2.0), model="flux-general-en") as (factory, _server):
        yield Engine(factory, coded)


@asynccontextmanager
async def _second(_folder: Path) -> AsyncGenerator[Engine]:
    """The first one's sockets die under each utterance."""
    dead = Hearing(vocabulary=WORDS, fault=Fault.GARBAGE, fault_after_ms=300)
    async with deepgram(dead) as (first, _), deepgram() as (second, _):
        loop = asyncio.get_running_loop()
        routes = (Route("first", first, Breaker()), Route("second", second, Breaker()))
        yield Engine(FailoverRecognizers(routes, loop.time), coded)


@asynccontextmanager
async def _embedded(folder: Path) -> AsyncGenerator[Engine]:
    async with SpeechProcess(PHRASES) as process:

        def speech(text: str) -> bytes:
            return g711.encode(np.frombuffer(spoken(text, "klatt6", folder), "<i2"))

        yield Engine(EmbeddedRecognizers(process), speech)


@asynccontextmanager
async def _whisper(folder: Path) -> AsyncGenerator[Engine]:
    # The machine may be busy, and the model is asked all the same.
    async with WhisperProcess.start(made_whisper.make(folder / "model"), Patience(20.0, 20.0)) as process:
        yield Engine(WhisperRecognizers(process, "en-US"), made_whisper.tone)


@asynccontextmanager
async def pipecat(*reactions: Reaction, key: str = "k", ulaw: bool = False) -> AsyncGenerator[tuple[Any, SpeechServer]]:
    """pipecat's service for Deepgram, behind the bridge."""
    from agent.pipecat_bridge.ear import PipecatRecognizers  # it takes seconds, and few want it

    script = InTurn(reactions or (Hearing(vocabulary=WORDS),))
    async with SpeechServer(Deepgram(), script, frozenset({"k"})) as server, asyncio.TaskGroup() as tasks:
        arguments = {"api_key": key, "base_url": server.url} | ({"encoding": "mulaw"} if ulaw else {})
        path = "pipecat.services.deepgram.stt.DeepgramSTTService"
        service = BridgedService(path, arguments, ulaw=ulaw, name="ear")
        yield PipecatRecognizers(service, "en-US", tasks), server


@asynccontextmanager
async def _pipecat(_folder: Path) -> AsyncGenerator[Engine]:
    async with pipecat() as (factory, _server):
        yield Engine(factory, coded)


@asynccontextmanager
async def _pipecat_ulaw(_folder: Path) -> AsyncGenerator[Engine]:
    async with pipecat(ulaw=True) as (factory, _server):
        yield Engine(factory, coded)


ENGINES: Final[dict[str, Callable[[Path], AbstractAsyncContextManager[Engine]]]] = {
    "embedded": _embedded,
    "nova": _nova,
    "flux": _flux,
    "second": _second,
    "whisper": _whisper,
    "pipecat": _pipecat,
    "pipecat_ulaw": _pipecat_ulaw,
}


async def feed(recognizer: Recognizer, ulaw: bytes) -> None:
    """Feed frames in the form that the engine wants, letting its tasks work between them."""
    feeding: Feeding = recognizer.feeding
    for at in range(0, len(ulaw), FRAME_SAMPLES):
        frame = ulaw[at : at + FRAME_SAMPLES]
        recognizer.feed(frame if feeding.ulaw else g711.decode_frame(frame))
        await asyncio.sleep(0)


async def utter(recognizer: Recognizer, speech: bytes) -> None:
    """Begin an utterance and feed it as `agent.listening` does."""
    if recognizer.feeding.continuous:
        await feed(recognizer, PREROLL)
        recognizer.begin()
    else:
        recognizer.begin()
        await feed(recognizer, PREROLL)
    await feed(recognizer, speech)
