"""ElevenLabs as a voice: one warm socket a call, each text in a context of its own, µ-law 8 kHz, words by alignment.

The SDK's own socket client is synchronous and for one text; this speaks the same interface by `websockets`, with the
SDK's types for what is sent (docs/decisions/0013).
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any, Final
from urllib.parse import quote, urlencode

import structlog
from elevenlabs.types import CloseContext, CloseSocket, FlushContext, InitialiseContext
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from agent.llm.faults import failure_of
from agent.llm.links import Access
from agent.llm.port import Failure
from agent.tts.elevenlabs_messages import BadElevenLabsMessage, Message, Words, parse
from agent.tts.port import Encoding, Speech, SpeechUnavailable
from media.frame import RATE_HZ, SAMPLES_PER_MS

log = structlog.get_logger()

VENDOR: Final = "elevenlabs"
BASE_URL: Final = "wss://api.elevenlabs.io"
MODEL: Final = "eleven_flash_v2_5"  # the fastest; a plan may name another: elevenlabs:VOICE/MODEL
CONNECT_TIMEOUT_S: Final = 1.5
SEND_TIMEOUT_S: Final = 1.0
FIRST_TIMEOUT_S: Final = 2.0  # to the first sound; a second voice is asked sooner (agent/tts/failover.py)
NEXT_TIMEOUT_S: Final = 1.5
GAP_S: Final = 0.3  # without a piece, and the context is closed: what is still to come then comes with an end
INACTIVITY_S: Final = 180  # the vendor's most
KEEP_ALIVE_S: Final = 60.0
CLOSE_TIMEOUT_S: Final = 0.5
BACK_OFF_S: Final = (0.0, 0.2, 1.0, 3.0, 10.0)
PIECES_MAX: Final = 2_000  # of one text that wait: minutes of speech
_KEEP_ALIVE: Final = '{"text":""}'


class _Context:
    """The pieces of one text on their way from the socket to who speaks them; full, it fails."""

    def __init__(self) -> None:
        self._messages: deque[Message] = deque()
        self._filled = asyncio.Event()
        self._failure: SpeechUnavailable | None = None

    def put(self, message: Message) -> None:
        if len(self._messages) >= PIECES_MAX:
            self.fail(SpeechUnavailable(f"{VENDOR}: more speech than any text has", Failure.GARBAGE))
        else:
            self._messages.append(message)
            self._filled.set()

    def fail(self, failure: SpeechUnavailable) -> None:
        self._failure = failure
        self._filled.set()

    async def get(self) -> Message:
        """Raises SpeechUnavailable, when what came before the failure has been taken."""
        while not self._messages:
            if self._failure is not None:
                raise self._failure
            self._filled.clear()
            await self._filled.wait()
        return self._messages.popleft()


class ElevenLabsVoice:
    """Implements `agent.tts.registry.CallVoice`. `warm` starts the task that holds the socket; `aclose` ends it."""

    def __init__(self, access: Access, voice: str, language: str, tasks: asyncio.TaskGroup) -> None:
        name, _, model = voice.partition("/")
        query = {
            "model_id": model or MODEL,
            "output_format": "ulaw_8000",
            "auto_mode": "true",  # whole sentences come: none is held back for a better schedule
            "inactivity_timeout": str(INACTIVITY_S),
            "language_code": language.partition("-")[0],
        }
        address = (access.base_url or BASE_URL).replace("http", "ws", 1)
        self._url = f"{address}/v1/text-to-speech/{quote(name, safe='')}/multi-stream-input?{urlencode(query)}"
        self._key = access.key
        self._tasks = tasks
        self._holding: asyncio.Task[None] | None = None
        self._socket: ClientConnection | None = None
        self._changed = asyncio.Event()  # the socket opened, or could not be
        self._closing = asyncio.Event()
        self._attempts = 0  # failed, in a row
        self._failure: SpeechUnavailable | None = None  # of the last attempt
        self._contexts: dict[str, _Context] = {}
        self._numbers = itertools.count(1)

    async def warm(self) -> bool:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._open()
        except (SpeechUnavailable, TimeoutError):
            return False
        return True

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Raises SpeechUnavailable."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                socket = await self._open()
        except TimeoutError:
            raise SpeechUnavailable(f"{VENDOR}: no connection in time", Failure.TIMEOUT) from None
        name = str(next(self._numbers))
        context = self._contexts[name] = _Context()
        speaking = _Speaking(context, text)
        try:
            await self._send(socket, InitialiseContext(text=f"{text} ", context_id=name))
            while True:
                message = await speaking.next()
                speech = speaking.piece(message) if message is not None else None
                if message is None or (speaking.words.covered and not speaking.closed):
                    # Flushed, so that what was given is spoken to its end, and closed, so that the end is told.
                    speaking.closed = True
                    await self._send(socket, FlushContext(context_id=name, flush=True))
                    await self._send(socket, CloseContext(context_id=name, close_context=True))
                if speech is not None:
                    yield speech
                if speaking.over:
                    break
        finally:
            del self._contexts[name]
            if not speaking.closed:
                # Taken back: the vendor speaks no more of it.
                with contextlib.suppress(SpeechUnavailable):
                    await self._send(socket, CloseContext(context_id=name, close_context=True))

    async def aclose(self) -> None:
        """The task that holds the socket closes it by itself."""
        self._closing.set()
        self._changed.set()

    async def _open(self) -> ClientConnection:
        """Return the socket when it is open. Raises SpeechUnavailable: it cannot be opened."""
        if self._closing.is_set():
            raise SpeechUnavailable(f"{VENDOR}: closed")
        if self._holding is None:
            self._holding = self._tasks.create_task(self._hold(), name="elevenlabs")
        tried = self._attempts
        while self._socket is None:
            if self._failure is not None and (self._attempts > tried or self._failure.failure is Failure.REFUSED_KEY):
                raise self._failure
            self._changed.clear()
            await self._changed.wait()
            if self._closing.is_set():
                raise SpeechUnavailable(f"{VENDOR}: closed")
        return self._socket

    async def _send(self, socket: ClientConnection, message: Any) -> None:
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await socket.send(message.json())
        except (WebSocketException, OSError, TimeoutError) as error:
            raise _failure(error) from None

    # The socket's task

    async def _hold(self) -> None:
        """Hold a connection, and another one when it breaks, until `aclose`."""
        while not self._closing.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BACK_OFF_S[min(self._attempts, len(BACK_OFF_S) - 1)]):
                    await self._closing.wait()
            if self._closing.is_set():
                return
            try:
                await self._converse()
            except* (WebSocketException, OSError, TimeoutError, BadElevenLabsMessage, SpeechUnavailable) as group:
                self._attempts += 1
                self._failure = _failure(group)
                log.warning("tts.connection_lost", vendor=VENDOR, failure=self._failure.failure, tries=self._attempts)
            self._socket = None
            for context in self._contexts.values():
                context.fail(self._failure or SpeechUnavailable(f"{VENDOR}: closed"))
            self._changed.set()

    async def _converse(self) -> None:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            socket = await connect(
                self._url,
                additional_headers={"xi-api-key": self._key},
                compression=None,
                max_size=4 * 1024 * 1024,
                close_timeout=CLOSE_TIMEOUT_S,
                proxy=None,
            )
        try:
            self._socket = socket
            self._changed.set()
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(socket), name="elevenlabs.read")
                await self._keep(socket)
                reading.cancel()
        finally:
            socket.transport.abort()
            await socket.wait_closed()

    async def _keep(self, socket: ClientConnection) -> None:
        """Keep the connection in use until `aclose`."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._closing.wait()
            if self._closing.is_set():
                await self._send(socket, CloseSocket(close_socket=True))
                return
            async with asyncio.timeout(SEND_TIMEOUT_S):
                await socket.send(_KEEP_ALIVE)

    async def _read(self, socket: ClientConnection) -> None:
        async for text in socket:
            message = parse(text)
            if message.error is not None:
                raise SpeechUnavailable(f"{VENDOR}: {message.failure}", message.failure)
            self._attempts, self._failure = 0, None
            context = self._contexts.get(message.context_id or "")
            if context is not None:  # else of a text that was taken back
                context.put(message)
        if not self._closing.is_set():
            raise SpeechUnavailable(f"{VENDOR}: hung up", Failure.CUT)


class _Speaking:
    """One text: what came of it, and what is waited for."""

    def __init__(self, context: _Context, text: str) -> None:
        self.words = Words(text)
        self.closed = False  # its context
        self.over = False
        self._context = context
        self._made = 0  # samples
        self._waited_s = 0.0

    async def next(self) -> Message | None:
        """Return what comes next; None when nothing came for a while and the context may be closed.

        Raises:
            SpeechUnavailable: nothing came for too long.
        """
        limit_s = NEXT_TIMEOUT_S if self._made else FIRST_TIMEOUT_S
        asks = bool(self._made) and not self.closed
        try:
            async with asyncio.timeout(GAP_S if asks else limit_s - self._waited_s):
                message = await self._context.get()
        except TimeoutError:
            if asks:
                self._waited_s = GAP_S
                return None
            raise SpeechUnavailable(f"{VENDOR}: no speech in time", Failure.TIMEOUT) from None
        self._waited_s = 0.0
        return message

    def piece(self, message: Message) -> Speech | None:
        """Return the speech in a message. Raises SpeechUnavailable: the text ended without any."""
        audio = message.audio or b""
        at_ms = self._made // SAMPLES_PER_MS
        self._made += len(audio)
        words = tuple(self.words.take(message.alignment, at_ms)) if message.alignment is not None else ()
        if message.is_final:
            self.over = True
            words += tuple(self.words.end())
            if not self._made:
                raise SpeechUnavailable(f"{VENDOR}: no sound", Failure.EMPTY)
        return Speech(audio, RATE_HZ, words, Encoding.ULAW) if audio or words else None


def _failure(error: BaseException) -> SpeechUnavailable:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case SpeechUnavailable():
            return error
        case InvalidStatus():
            status = error.response.status_code
            return SpeechUnavailable(f"{VENDOR}: refused with {status}", failure_of(status))
        case BadElevenLabsMessage():
            return SpeechUnavailable(f"{VENDOR}: {error}", Failure.GARBAGE)
        case TimeoutError():
            return SpeechUnavailable(f"{VENDOR}: too slow", Failure.TIMEOUT)
        case ConnectionClosed():
            return SpeechUnavailable(f"{VENDOR}: the connection broke", Failure.CUT)
        case _:
            return SpeechUnavailable(f"{VENDOR}: {type(error).__name__}", Failure.UNAVAILABLE)
