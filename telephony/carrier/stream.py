"""The carrier's end of one Media Stream: a WebSocket to the customer's server, between it and the line."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, WebSocketException

from telephony.carrier import errors, stream_wire
from telephony.carrier.line import Line
from telephony.carrier.signature import HEADER, sign

USER_AGENT: Final = "Twilio.TmeWs/1.0"
CONNECT_TIMEOUT_S: Final = 10.0
SEND_TIMEOUT_S: Final = 10.0
PART_TIMEOUT_S: Final = 2.0
OUTBOX_MAX: Final = 500  # ten seconds of frames that the server does not take
MESSAGE_BYTES_MAX: Final = 8 << 20  # ten minutes of audio in one message
GARBAGE: Final = (
    "{",
    "null",
    '{"event":"media"}',
    '{"event":"media","sequenceNumber":"x","media":{"payload":"%"}}',
    "\x00" * 64,
)

OnNote = Callable[[int, str], None]


@dataclass(frozen=True, slots=True)
class StreamFaults:
    cut_after_ms: int | None = None
    garbage_after_ms: int | None = None


class Outbox:
    """Messages on their way to the server; when full, the oldest is dropped and counted (the vendor's 31930)."""

    def __init__(self, capacity: int) -> None:
        self._messages: deque[str] = deque(maxlen=capacity)
        self._filled = asyncio.Event()
        self.dropped = 0

    def put(self, message: str) -> None:
        if len(self._messages) == self._messages.maxlen:
            self.dropped += 1
        self._messages.append(message)
        self._filled.set()

    async def get(self) -> str:
        while not self._messages:
            self._filled.clear()
            await self._filled.wait()
        return self._messages.popleft()

    def drain(self) -> list[str]:
        """Take all that is left."""
        left = list(self._messages)
        self._messages.clear()
        return left


class StreamLeg:
    """One stream; run it once. Faults of the server are noted, never raised: the call goes on with its next verb."""

    def __init__(self, writer: stream_wire.Writer, line: Line, auth_token: str, on_note: OnNote) -> None:
        self._writer = writer
        self._line = line
        self._auth_token = auth_token
        self._on_note = on_note
        self._outbox = Outbox(OUTBOX_MAX)
        self._warned: set[int] = set()
        self.error: int | None = None  # why it ended, if not well

    async def run(
        self, url: str, parameters: Mapping[str, str], faults: StreamFaults, on_started: Callable[[], None]
    ) -> None:
        """Stream until the server closes the socket; cancel it to end the call: then `stop` is sent."""
        if urlsplit(url).query:
            self._fail(errors.STREAM_HANDSHAKE_REFUSED, "a stream's address takes no query string")
            return
        socket = await self._connect(url)
        if socket is None:
            return
        self._outbox.put(stream_wire.CONNECTED)
        self._outbox.put(self._writer.start(parameters))
        on_started()
        self._line.attach(self)
        try:
            async with asyncio.TaskGroup() as tasks:
                others = [
                    tasks.create_task(self._send(socket), name="carrier.stream.send"),
                    tasks.create_task(self._misbehave(socket, faults), name="carrier.stream.faults"),
                ]
                await self._receive(socket)
                for other in others:
                    other.cancel()
        finally:
            self._line.detach()
            await self._part(socket)

    # The line's tap.

    def frame(self, sound: bytes, at_ms: int) -> None:
        self._outbox.put(self._writer.media(sound, at_ms))
        if self._outbox.dropped:
            self._warn_once(errors.STREAM_CONGESTED, "the server does not take the audio; some was dropped")

    def keys(self, keys: str) -> None:
        for key in keys:
            self._outbox.put(self._writer.dtmf(key))

    def marks(self, names: list[str]) -> None:
        for name in names:
            self._outbox.put(self._writer.mark(name))

    async def _connect(self, url: str) -> ClientConnection | None:
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                return await connect(
                    url,
                    additional_headers={HEADER: sign(self._auth_token, url)},
                    user_agent_header=USER_AGENT,
                    compression=None,
                    ping_interval=None,
                    close_timeout=PART_TIMEOUT_S,
                    max_size=MESSAGE_BYTES_MAX,
                    proxy=None,
                )
        except TimeoutError:
            self._fail(errors.STREAM_CONNECT_TIMEOUT, f"no connection within {CONNECT_TIMEOUT_S:.0f} s")
        except (OSError, WebSocketException) as error:
            self._fail(errors.STREAM_HANDSHAKE_REFUSED, f"handshake: {type(error).__name__}: {error}")
        return None

    async def _send(self, socket: ClientConnection) -> None:
        while True:
            message = await self._outbox.get()
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await socket.send(message)
            except ConnectionClosed:
                return
            except TimeoutError:
                self._fail(errors.STREAM_CONGESTED, f"the server took nothing for {SEND_TIMEOUT_S:.0f} s")
                socket.transport.abort()
                return

    async def _receive(self, socket: ClientConnection) -> None:
        # No time-out on purpose: a server may listen for as long as the call lasts; the call has its own limit.
        try:
            async for message in socket:
                self._obey(message)
        except ConnectionClosedError as error:
            ours = error.rcvd is None and error.sent is not None
            code = errors.STREAM_PROTOCOL_ERROR if ours else errors.STREAM_CLOSED_BY_SERVER
            self._fail(code, f"closed with {socket.close_code}")

    def _obey(self, message: str | bytes) -> None:
        try:
            told = stream_wire.read(message, self._writer.stream_sid)
        except stream_wire.InvalidMessage as error:
            self._warn_once(errors.STREAM_INVALID_MESSAGE, str(error))
            return
        match told:
            case stream_wire.Media(ulaw=sound):
                if not self._line.put(sound):
                    self._warn_once(errors.STREAM_OVERFLOWED, "more than ten minutes of audio buffered; dropped")
            case stream_wire.Mark(name=name):
                self._line.mark(name)
            case stream_wire.Clear():
                self._line.clear()

    async def _misbehave(self, socket: ClientConnection, faults: StreamFaults) -> None:
        steps = [(faults.garbage_after_ms, False), (faults.cut_after_ms, True)]
        passed_ms = 0
        for after_ms, cuts in sorted((after, cuts) for after, cuts in steps if after is not None):
            await asyncio.sleep((after_ms - passed_ms) / 1000)
            passed_ms = after_ms
            if cuts:
                self._fail(errors.STREAM_CLOSED_BY_SERVER, "cut on purpose")
                socket.transport.abort()
                return
            for text in GARBAGE:
                self._outbox.put(text)

    async def _part(self, socket: ClientConnection) -> None:
        """Send what is left and `stop`, then close; a server that is gone already gets nothing."""
        try:
            async with asyncio.timeout(PART_TIMEOUT_S):
                for message in [*self._outbox.drain(), self._writer.stop()]:
                    await socket.send(message)
                await socket.close()
        except (ConnectionClosed, TimeoutError):
            socket.transport.abort()

    def _warn_once(self, code: int, text: str) -> None:
        if code not in self._warned:
            self._warned.add(code)
            self._on_note(code, text)

    def _fail(self, code: int, text: str) -> None:
        if self.error is None:
            self.error = code
            self._on_note(code, text)
