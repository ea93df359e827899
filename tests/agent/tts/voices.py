"""Voices for tests, each with its peer: vendors' with a server that speaks their wire format."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Any, Final

from agent.llm.breaker import Breaker
from agent.llm.links import Access
from agent.pipecat_bridge.services import BridgedService
from agent.speech_process import SpeechProcess
from agent.tts.elevenlabs import ElevenLabsVoice
from agent.tts.embedded import EmbeddedVoice
from agent.tts.failover import CallVoices, Route
from agent.tts.port import Encoding, Speech, SpeechUnavailable, Voice
from bench.providers.coded_speech import Vocabulary
from bench.providers.elevenlabs import ElevenLabs
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import InTurn, Reaction, Saying

SENTENCE: Final = "Hello, this is Alex, and this call is recorded."
WORDS: Final = Vocabulary([*SENTENCE.split(), "one", "two", "three", "four", "five", "six"])


@asynccontextmanager
async def elevenlabs(*reactions: Reaction, key: str = "k") -> AsyncGenerator[tuple[ElevenLabsVoice, SpeechServer]]:
    script = InTurn(reactions or (Saying(vocabulary=WORDS),))
    async with SpeechServer(ElevenLabs(), script, frozenset({"k"})) as server, asyncio.TaskGroup() as tasks:
        voice = ElevenLabsVoice(Access(key, server.url), "voice-1", "en-US", tasks)
        try:
            yield voice, server
        finally:
            await voice.aclose()


@asynccontextmanager
async def _elevenlabs() -> AsyncGenerator[Voice]:
    async with elevenlabs() as (voice, _server):
        yield voice


@asynccontextmanager
async def _second() -> AsyncGenerator[Voice]:
    """The first one refuses; the call has the second."""
    async with elevenlabs(key="wrong") as (first, _), elevenlabs() as (second, _):
        loop = asyncio.get_running_loop()
        voices = CallVoices((Route("first", first, Breaker()), Route("second", second, Breaker())), loop.time)
        with contextlib.suppress(SpeechUnavailable):
            async with aclosing(voices.speak("one")) as pieces:
                await anext(pieces)
        yield voices


@asynccontextmanager
async def _embedded() -> AsyncGenerator[Voice]:
    async with SpeechProcess() as process:
        yield EmbeddedVoice(process)


@asynccontextmanager
async def pipecat(*reactions: Reaction, key: str = "k") -> AsyncGenerator[tuple[Any, SpeechServer]]:
    """pipecat's service for ElevenLabs, behind the bridge."""
    from agent.pipecat_bridge.mouth import PipecatVoice  # it takes seconds, and few want it

    script = InTurn(reactions or (Saying(vocabulary=WORDS),))
    async with SpeechServer(ElevenLabs(), script, frozenset({"k"})) as server, asyncio.TaskGroup() as tasks:
        arguments = {"api_key": key, "url": server.url.replace("http", "ws", 1)}
        path = "pipecat.services.elevenlabs.tts.ElevenLabsTTSService"
        voice = PipecatVoice(BridgedService(path, arguments, {"voice": "voice-1"}, name="mouth"), "en-US", tasks)
        try:
            yield voice, server
        finally:
            await voice.aclose()


@asynccontextmanager
async def _pipecat() -> AsyncGenerator[Voice]:
    async with pipecat() as (voice, _server):
        yield voice


VOICES: Final[dict[str, Callable[[], AbstractAsyncContextManager[Voice]]]] = {
    "embedded": _embedded,
    "elevenlabs": _elevenlabs,
    "second": _second,
    "pipecat": _pipecat,
}


def length_ms(pieces: list[Speech]) -> float:
    return sum(
        len(piece.audio) / (1 if piece.encoding is Encoding.ULAW else 2) * 1000 / piece.rate_hz for piece in pieces
    )
