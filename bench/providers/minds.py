"""Minds of the bench behind sockets: the agent's ports over HTTP and WebSocket to bench/providers/server.py."""

import asyncio
import json
from base64 import b64decode
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Final

import httpx

from agent.llm.port import Delta, ModelUnavailable, Request, Text, Usage
from agent.ports import Minds
from agent.stt.port import PCM_UTTERANCES, Feeding, HeardWord, Transcript, TranscriptionUnavailable
from agent.tts.port import Speech, SpeechUnavailable, SpokenWord
from bench.stream_socket import StreamSocket, connect
from media.frame import RATE_HZ

ANSWER_TIMEOUT_S: Final = 5.0
UNSENT_BYTES_MAX: Final = 64_000  # four seconds of speech that the recogniser does not take: more is dropped


class SocketRecognizer:
    """Implements `Recognizer` over one WebSocket a call. Made by `open_recognizer`."""

    feeding: Feeding = PCM_UTTERANCES

    def __init__(self) -> None:
        self._socket: StreamSocket | None = None
        self._answer: asyncio.Future[Transcript] | None = None
        self.dropped_bytes = 0

    def attach(self, socket: StreamSocket) -> None:
        self._socket = socket

    def begin(self) -> None:
        if self._answer is not None:
            self._answer.cancel()
        self._answer = None

    def feed(self, audio: bytes) -> None:
        if self._socket is None or self._socket.unsent_bytes > UNSENT_BYTES_MAX:
            self.dropped_bytes += len(audio)
        else:
            self._socket.send_bytes(audio)

    async def finish(self) -> Transcript:
        if self._socket is None or self._socket.closed.is_set():
            raise TranscriptionUnavailable("the recogniser has hung up")
        self._answer = asyncio.get_running_loop().create_future()
        self._socket.send(b'{"type":"Finalize"}')
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await self._answer
        except TimeoutError:
            raise TranscriptionUnavailable("the recogniser does not answer") from None

    def received(self, text: bytes) -> None:
        alternative = json.loads(text)["channel"]["alternatives"][0]
        words = tuple(
            HeardWord(word["word"], round(word["start"] * 1000), round(word["end"] * 1000))
            for word in alternative["words"]
        )
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(Transcript(alternative["transcript"], words, alternative["confidence"]))

    async def aclose(self) -> None:
        if self._socket is not None:
            self._socket.send(b'{"type":"CloseStream"}')
            self._socket.close()


async def open_recognizer(url: str) -> SocketRecognizer:
    """Connect. Raises TranscriptionUnavailable."""
    recognizer = SocketRecognizer()
    try:
        recognizer.attach(await connect(f"{url.replace('http', 'ws', 1)}/v1/listen", recognizer.received))
    except (OSError, TimeoutError) as error:
        raise TranscriptionUnavailable(type(error).__name__) from None
    return recognizer


@dataclass(frozen=True, slots=True)
class SocketModel:
    """Implements `Model`: a streamed chat completion."""

    http: httpx.AsyncClient

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        messages = [{"role": message.role.value, "content": message.text} for message in request.messages]
        body = {"model": "instant", "stream": True, "messages": messages}
        try:
            async with self.http.stream("POST", "/v1/chat/completions", json=body) as reply:
                reply.raise_for_status()
                async for line in reply.aiter_lines():
                    if not line.startswith("data: {"):
                        continue
                    for delta in _deltas(json.loads(line.removeprefix("data: "))):
                        yield delta
        except httpx.HTTPError as error:
            raise ModelUnavailable(type(error).__name__) from None


@dataclass(frozen=True, slots=True)
class SocketVoice:
    """Implements `Voice`: a streamed body of JSON lines."""

    http: httpx.AsyncClient

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        try:
            path = "/v1/text-to-speech/tone/stream/with-timestamps"
            async with self.http.stream("POST", path, json={"text": text}) as reply:
                reply.raise_for_status()
                async for line in reply.aiter_lines():
                    if line:
                        piece = json.loads(line)
                        yield Speech(b64decode(piece["audio_base64"]), RATE_HZ, words_of(piece["alignment"]))
        except httpx.HTTPError as error:
            raise SpeechUnavailable(type(error).__name__) from None


async def open_minds(url: str, http: httpx.AsyncClient) -> Minds:
    """Return the minds of one call; `http` is the process's, based on `url`. Raises TranscriptionUnavailable."""
    return Minds(await open_recognizer(url), SocketModel(http), SocketVoice(http), frozenset({"uh-huh"}), {})


def words_of(alignment: dict[str, list[Any]]) -> tuple[SpokenWord, ...]:
    """Return the words of a text from the times of its characters."""
    found: list[SpokenWord] = []
    word, start_s, end_s = "", 0.0, 0.0
    names = ("characters", "character_start_times_seconds", "character_end_times_seconds")
    for character, begins_s, ends_s in zip(*(alignment[name] for name in names), strict=True):
        if character.isspace():
            if word:
                found.append(SpokenWord(word, round(start_s * 1000), round(end_s * 1000)))
            word = ""
            continue
        start_s = begins_s if not word else start_s
        word, end_s = word + character, ends_s
    if word:
        found.append(SpokenWord(word, round(start_s * 1000), round(end_s * 1000)))
    return tuple(found)


def _deltas(chunk: dict[str, Any]) -> list[Delta]:
    deltas: list[Delta] = [Text(choice["delta"]["content"]) for choice in chunk["choices"]]
    if usage := chunk.get("usage"):
        deltas.append(Usage(usage["prompt_tokens"], usage["completion_tokens"]))
    return deltas
