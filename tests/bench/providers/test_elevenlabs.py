"""ElevenLabs' server as the vendor's own SDK sees it, and its contexts by plain messages."""

import asyncio
import json
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
from elevenlabs.client import ElevenLabs as Client
from elevenlabs.core.api_error import ApiError
from elevenlabs.realtime_tts import RealtimeTextToSpeechClient
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bench.providers.coded_speech import Vocabulary
from bench.providers.elevenlabs import ElevenLabs
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Fault, InTurn, Refusal, Saying

WORDS = Vocabulary(["Hello", "there.", "How", "are", "you?"])


def server_of(*reactions: Saying | Refusal) -> SpeechServer:
    return SpeechServer(ElevenLabs(), InTurn(reactions), frozenset({"k"}))


def multi(server: SpeechServer, query: str = "output_format=ulaw_8000") -> connect:
    url = f"{server.url}/v1/text-to-speech/v1/multi-stream-input?{query}"
    return connect(url, additional_headers={"xi-api-key": "k"}, proxy=None)


async def receive(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(5):
        message: dict[str, Any] = json.loads(await socket.recv())
    return message


@pytest.mark.filterwarnings("ignore:ConnectionClosed.code is deprecated:DeprecationWarning")  # the SDK's
async def test_the_sdk_s_own_client_gets_the_speech_of_a_text() -> None:
    def ask(url: str) -> bytes:
        def texts() -> Iterator[str]:
            yield "Hello there. "
            yield "How are you?"

        voice = Client(api_key="k", base_url=url).text_to_speech
        assert isinstance(voice, RealtimeTextToSpeechClient)
        voice._ws_base_url = url  # it asks for TLS whatever the address says
        speech = voice.convert_realtime(
            "voice-1", text=texts(), model_id="eleven_flash_v2_5", output_format="ulaw_8000"
        )
        return b"".join(speech)

    async with server_of(Saying(vocabulary=WORDS)) as server:
        try:
            audio = await asyncio.to_thread(ask, server.url)
        except ApiError as error:  # pragma: no cover - shown when it fails
            pytest.fail(str(error))
    assert [word.text for word in WORDS.understand(audio)] == ["Hello", "there.", "How", "are", "you?"]
    assert server.seen[0].path == "/v1/text-to-speech/voice-1/stream-input"
    assert server.seen[0].query["model_id"] == "eleven_flash_v2_5"


async def test_contexts_speak_beside_each_other_and_end_each_by_itself() -> None:
    async with server_of(Saying(vocabulary=WORDS, gap_s=0.01)) as server, multi(server) as socket:
        for name, text in (("a", "Hello there."), ("b", "How are you?")):
            await socket.send(json.dumps({"text": f"{text} ", "context_id": name, "flush": True}))
            await socket.send(json.dumps({"context_id": name, "close_context": True}))
        audio = {"a": b"", "b": b""}
        ended: list[str] = []
        while len(ended) < 2:
            message = await receive(socket)
            if message.get("isFinal"):
                ended.append(message["contextId"])
            else:
                audio[message["contextId"]] += b64decode(message["audio"])
    assert {name: " ".join(word.text for word in WORDS.understand(sound)) for name, sound in audio.items()} == {
        "a": "Hello there.",
        "b": "How are you?",
    }


async def test_characters_are_timed_from_each_piece_s_own_start() -> None:
    async with server_of(Saying(vocabulary=WORDS, piece_ms=200)) as server, multi(server) as socket:
        await socket.send(json.dumps({"text": "Hello there. ", "context_id": "a", "flush": True}))
        pieces = [await receive(socket) for _ in range(3)]
    assert "".join(char for piece in pieces for char in piece["alignment"]["chars"]) == "Hello there. "
    first, second, _third = (piece["alignment"] for piece in pieces)
    assert first["chars"] == ["H", "e", "l", "l", "o"][: len(first["chars"])]
    assert first["charStartTimesMs"][0] == 0
    assert 0 <= second["charStartTimesMs"][0] < 200


async def test_a_text_that_was_not_flushed_is_taken_back_by_closing_its_context() -> None:
    query = "output_format=ulaw_8000&auto_mode=true"
    async with server_of(Saying(vocabulary=WORDS, gap_s=0.05)) as server, multi(server, query) as socket:
        await socket.send(json.dumps({"text": "Hello there. How are you? ", "context_id": "a"}))
        await receive(socket)
        await socket.send(json.dumps({"context_id": "a", "close_context": True}))
        while not (await receive(socket)).get("isFinal"):
            pass
    assert server.seen[0].cancelled == 1
    assert server.seen[0].pieces_sent < 6


async def test_a_refused_key_and_a_full_house_are_told_at_the_handshake() -> None:
    async with server_of(Refusal(429)) as server:
        with pytest.raises(InvalidStatus) as refused:
            async with multi(server):
                pass
    assert refused.value.response.status_code == 429


@pytest.mark.parametrize("fault", list(Fault))
async def test_faults_come_after_so_many_pieces(fault: Fault) -> None:
    async with server_of(Saying(vocabulary=WORDS, fault=fault, fault_after=2)) as server, multi(server) as socket:
        await socket.send(json.dumps({"text": "Hello there. How are you? ", "context_id": "a", "flush": True}))
        for _ in range(2):
            assert (await receive(socket))["audio"]
        match fault:
            case Fault.CUT:
                with pytest.raises(ConnectionClosed):
                    await receive(socket)
            case Fault.ERROR:
                assert (await receive(socket))["error"] == "internal_error"
            case Fault.GARBAGE:
                with pytest.raises(json.JSONDecodeError):
                    await receive(socket)
            case Fault.SHAPELESS:
                assert isinstance(await receive(socket), list)
            case Fault.STALL:
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await socket.recv()
    assert server.seen[0].pieces_sent == 2


async def test_who_sends_nothing_is_told_and_closed() -> None:
    async with server_of(Saying()) as server, multi(server, "inactivity_timeout=0.1") as socket:
        assert (await receive(socket))["error"] == "input_timeout_exceeded"
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008
