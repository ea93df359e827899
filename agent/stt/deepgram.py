"""Deepgram as a recogniser, through its SDK: one socket a call, Nova or Flux, µ-law as it came from the line.

A connection that breaks is followed by another one, which gets the audio that no final has told of: nothing is lost
or doubled. What is sent and what it means are `nova.py`'s and `flux.py`'s.
"""

import asyncio
import contextlib
import warnings
from collections.abc import Callable
from typing import Any, Final, Protocol

import httpx
import structlog
from websockets.exceptions import ConnectionClosed, WebSocketException

from agent.llm.faults import failure_of
from agent.llm.links import Access
from agent.llm.port import Failure
from agent.stt.deepgram_messages import BadDeepgramMessage, Message, parse
from agent.stt.flux import Flux
from agent.stt.nova import Nova
from agent.stt.port import Feeding, OnPartial, OnTurn, Transcript, TranscriptionUnavailable, no_turns
from media.frame import RATE_HZ

with warnings.catch_warnings():
    # The SDK's sockets are an old form of a library's; theirs to change.
    warnings.simplefilter("ignore", DeprecationWarning)
    import deepgram.listen.v1.client
    import deepgram.listen.v2.client  # noqa: F401 - loaded here, where its warnings are ours to silence
    from deepgram import AsyncDeepgramClient, DeepgramClientEnvironment
    from deepgram.core.api_error import ApiError

log = structlog.get_logger()

VENDOR: Final = "deepgram"
BASE_URL: Final = "wss://api.deepgram.com"
CONNECT_TIMEOUT_S: Final = 2.0
SEND_TIMEOUT_S: Final = 2.0
KEEP_ALIVE_S: Final = 4.0  # the vendor closes after 10 s of nothing
FINAL_TIMEOUT_S: Final = 1.2  # a second recogniser needs its time too, before the caller finds us gone
NEARLY_S: Final = 0.4
CLOSE_TIMEOUT_S: Final = 0.5
BACK_OFF_S: Final = (0.0, 0.1, 0.3, 1.0, 3.0)
ATTEMPTS_MAX: Final = 2  # failed connections in a row, and who waits for words is told
ENDPOINTING_MS: Final = 100  # of silence, and the words before it are final
EAGER_THRESHOLD: Final = 0.4  # Flux's confidence that the turn is over, for a first guess
_CLOSE: Final = '{"type":"CloseStream"}'


# Only sockets are opened here. A client of the SDK's own loads certificates for requests that are never made: 25 ms for
# each call, in everybody's loop.
_NO_REQUESTS: Final = httpx.AsyncClient(transport=httpx.MockTransport(lambda _request: httpx.Response(405)))
Socket = contextlib.AbstractAsyncContextManager[Any]
Dial = Callable[[], Socket]


class Hearing(Protocol):
    """What differs between the vendor's models; see `nova.Nova`."""

    @property
    def feeding(self) -> Feeding: ...
    @property
    def end_message(self) -> str: ...
    @property
    def keep_alive(self) -> str: ...
    @property
    def ending(self) -> bool: ...
    @property
    def done(self) -> bool: ...
    @property
    def nearly_done(self) -> bool: ...
    def begin(self) -> None: ...
    def feed(self, ulaw: bytes) -> bool: ...
    def end(self) -> None: ...
    def let_go(self) -> None: ...
    def transcript(self) -> Transcript: ...
    def opened(self) -> None: ...
    def packet(self) -> bytes | None: ...
    def ask_end(self) -> bool: ...
    def take(self, message: Message) -> bool: ...


class DeepgramRecognizers:
    """Implements `agent.stt.port.RecognizerFactory`; `tasks` is the process's, one of them holds each call's socket."""

    def __init__(self, access: Access, model: str, language: str, tasks: asyncio.TaskGroup) -> None:
        """`model`: nova-…, or flux-…; its language is in Flux's name. `language`: as Deepgram names it."""
        address = (access.base_url or BASE_URL).replace("http", "ws", 1)
        environment = DeepgramClientEnvironment(base=address, production=address, agent=address, agent_rest=address)
        self._client = AsyncDeepgramClient(api_key=access.key, environment=environment, httpx_client=_NO_REQUESTS)
        self._model = model
        self._language = language
        self._tasks = tasks

    async def open(
        self, phrases: tuple[str, ...], on_partial: OnPartial, on_turn: OnTurn = no_turns
    ) -> "DeepgramRecognizer":
        """Raises TranscriptionUnavailable."""
        del phrases  # a bias towards whole sentences does more harm than good
        flux = self._model.startswith("flux")
        hearing = Flux(on_partial, on_turn) if flux else Nova(on_partial, on_turn)
        recognizer = DeepgramRecognizer(self._dial_flux if flux else self._dial_nova, hearing)
        self._tasks.create_task(recognizer.run(), name="deepgram")
        try:
            await recognizer.until_open()
        except BaseException:
            await recognizer.aclose()
            raise
        return recognizer

    def _dial_nova(self) -> Socket:
        socket: Socket = self._client.listen.v1.connect(
            model=self._model,
            language=self._language,
            encoding="mulaw",
            sample_rate=RATE_HZ,
            channels=1,
            interim_results="true",
            punctuate="true",
            vad_events="true",
            endpointing=ENDPOINTING_MS,
        )
        return socket

    def _dial_flux(self) -> Socket:
        socket: Socket = self._client.listen.v2.connect(
            model=self._model, encoding="mulaw", sample_rate=RATE_HZ, eager_eot_threshold=EAGER_THRESHOLD
        )
        return socket


class DeepgramRecognizer:
    """Implements `agent.stt.port.Recognizer`. `run` holds the socket until `aclose`."""

    def __init__(self, dial: Dial, hearing: Hearing) -> None:
        self._dial = dial
        self._hearing = hearing
        self.feeding = hearing.feeding
        self._wake = asyncio.Event()  # the writer has something to do
        self._open = asyncio.Event()
        self._closing = False
        self._attempts = 0  # failed, in a row
        self._failure: TranscriptionUnavailable | None = None  # of the last attempt
        self._answer: asyncio.Future[None] | None = None  # of who waits for words, or for the first connection
        self._transport: asyncio.Transport | None = None
        self.reconnects = 0  # read by metrics

    def begin(self) -> None:
        self._hearing.begin()

    def feed(self, audio: bytes) -> None:
        if self._hearing.feed(audio):
            self._wake.set()

    async def finish(self) -> Transcript:
        """Raises TranscriptionUnavailable."""
        self._hearing.end()
        self._wake.set()
        try:
            async with asyncio.timeout(NEARLY_S):
                await self._settled()
        except TimeoutError:
            if not self._hearing.nearly_done:
                await self._late()
        finally:
            self._hearing.let_go()
        return self._hearing.transcript()

    async def aclose(self) -> None:
        """The task that holds the socket closes it by itself."""
        self._closing = True
        self._wake.set()

    async def until_open(self) -> None:
        """Wait for the first connection. Raises TranscriptionUnavailable: there is none."""
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S * ATTEMPTS_MAX):
                await self._settled()
        except TimeoutError:
            raise TranscriptionUnavailable(f"{VENDOR}: no connection in time", Failure.TIMEOUT) from None

    async def _late(self) -> None:
        try:
            async with asyncio.timeout(FINAL_TIMEOUT_S - NEARLY_S):
                await self._settled()
        except TimeoutError:
            # Open, but dead: another connection may do better, and what it was sent is sent again.
            self._break()
            raise TranscriptionUnavailable(f"{VENDOR}: no words in time", Failure.TIMEOUT) from None

    async def _settled(self) -> None:
        """Wait until the words are known, or the first connection is open. Raises TranscriptionUnavailable."""
        while not (self._hearing.done if self._hearing.ending else self._open.is_set()):
            if self._failure is not None and not self._open.is_set():
                hopeless = self._failure.failure is Failure.REFUSED_KEY
                if hopeless or self._attempts >= ATTEMPTS_MAX:
                    raise self._failure
            self._answer = asyncio.get_running_loop().create_future()
            await self._answer

    def _look(self) -> None:
        """Let who waits look again."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(None)

    def _break(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # The socket's task

    async def run(self) -> None:
        """Hold a connection, and another one when it breaks, until `aclose`."""
        while True:
            await asyncio.sleep(BACK_OFF_S[min(self._attempts, len(BACK_OFF_S) - 1)])
            if self._closing:
                return
            try:
                await self._converse()
            except* (ApiError, BadDeepgramMessage, WebSocketException, OSError, TimeoutError, _Failed) as group:
                self._failure = _failure(group)
                self._attempts += 1
                log.warning("stt.connection_lost", vendor=VENDOR, failure=self._failure.failure, tries=self._attempts)
            self._open.clear()
            self.reconnects += 1
            self._look()

    async def _converse(self) -> None:
        """Hold one connection to its end, which is `aclose` or an exception."""
        dialled = self._dial()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            client = await dialled.__aenter__()
        # The SDK's own reading builds models of each message: forty times the work, and no check of their shape.
        socket = client._websocket
        self._transport = socket.transport
        try:
            self._hearing.opened()
            self._open.set()
            self._wake.set()
            self._look()
            async with asyncio.TaskGroup() as tasks:
                reading = tasks.create_task(self._read(socket), name="deepgram.read")
                await self._write(socket)
                await asyncio.wait([reading], timeout=CLOSE_TIMEOUT_S)
                reading.cancel()
        finally:
            # Broken before the SDK closes it, which would wait for the peer; what it says of that must not take the
            # place of a cancellation.
            self._break()
            with contextlib.suppress(WebSocketException, OSError):
                await dialled.__aexit__(None, None, None)

    async def _write(self, socket: Any) -> None:
        while not self._closing:
            try:
                # Flux has no keep-alive and is fed always: a wait without end is a call without audio.
                async with asyncio.timeout(KEEP_ALIVE_S):
                    await self._wake.wait()
            except TimeoutError:
                if self._hearing.keep_alive:
                    await self._send(socket, self._hearing.keep_alive)
                continue
            self._wake.clear()
            while (packet := self._hearing.packet()) is not None:
                await self._send(socket, packet)
            if self._hearing.ask_end():
                await self._send(socket, self._hearing.end_message)
        await self._send(socket, _CLOSE)

    async def _send(self, socket: Any, message: str | bytes) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send(message)

    async def _read(self, socket: Any) -> None:
        async for text in socket:
            message = parse(text)
            if message is None:
                continue
            if not self._hearing.take(message):
                raise _Failed
            self._attempts = 0
            if self._hearing.ending:
                self._wake.set()
                if self._hearing.done:
                    self._look()
        if not self._closing:
            raise _Failed


class _Failed(Exception):
    """The vendor said that it failed, or hung up."""


def _failure(group: BaseExceptionGroup[Exception]) -> TranscriptionUnavailable:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case ApiError():
            return TranscriptionUnavailable(
                f"{VENDOR}: refused with {error.status_code}", failure_of(error.status_code or 500)
            )
        case BadDeepgramMessage():
            return TranscriptionUnavailable(f"{VENDOR}: {error}", Failure.GARBAGE)
        case TimeoutError():
            return TranscriptionUnavailable(f"{VENDOR}: too slow", Failure.TIMEOUT)
        case ConnectionClosed() | _Failed():
            return TranscriptionUnavailable(f"{VENDOR}: the connection broke", Failure.CUT)
        case _:
            return TranscriptionUnavailable(f"{VENDOR}: {type(error).__name__}", Failure.UNAVAILABLE)
