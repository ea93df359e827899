"""A speech provider's WebSocket server on loopback: takes or refuses connections, remembers them, breaks them.
What the vendor answers to a plain GET is served at the same address.

What is said on a connection is a vendor's file's. Real sockets and frames, for the vendors' own SDKs.
"""

import asyncio
import contextlib
import json
import socket
import struct
from abc import abstractmethod
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, Protocol, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from bench.providers.speech_script import Fault, Hearing, Refusal, Saying, Script, Seen

HOST: Final = "127.0.0.1"
SEND_TIMEOUT_S: Final = 10.0
STALL_S: Final = 60.0  # longer than any client of ours waits


class Dialect(Protocol):
    """A vendor's wire format."""

    @abstractmethod
    def key_of(self, header: Callable[[str], str]) -> str:
        """Return the key that the client shows; empty when it shows none. `header` gives a header by its name."""

    @abstractmethod
    def refusal(self, status: int, code: str = "") -> object:
        """Return the body, as JSON, of a refused connection; `code` replaces the usual one."""

    @abstractmethod
    def page(self, path: str) -> object | None:
        """Return the body, as JSON, of what the vendor's HTTP interface has there; None when it has nothing."""

    @abstractmethod
    async def converse(self, link: "Link", seen: Seen, reaction: Hearing | Saying) -> None:
        """Serve a connection to its end. Raises ConnectionClosed when the client leaves."""


class Link:
    """A connection that was taken; every send has a time limit."""

    def __init__(
        self,
        socket_: ServerConnection,
        tell: Callable[[], Awaitable[None]],
        on_fault: Callable[[], None] = lambda: None,
    ) -> None:
        """`tell`: who waits for something to happen shall look again. `on_fault` is told just before a fault."""
        self._socket = socket_
        self._tell = tell
        self._on_fault = on_fault

    async def send(self, message: object) -> None:
        await self.send_text(json.dumps(message))

    async def send_text(self, text: str) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._socket.send(text)

    async def receive(self, timeout_s: float | None = None) -> str | bytes:
        """Raises TimeoutError, ConnectionClosed."""
        await self._tell()
        async with asyncio.timeout(timeout_s):
            return await self._socket.recv()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await self._socket.close(code, reason)

    def reset(self) -> None:
        """Break the connection: the client sees a reset, no closing handshake."""
        transport = self._socket.transport
        raw = transport.get_extra_info("socket")
        if raw is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    async def fail(self, fault: Fault, error: object) -> None:
        """Go wrong; `error` is the vendor's own message. The caller says nothing more on this connection."""
        self._on_fault()
        match fault:
            case Fault.CUT:
                self.reset()
            case Fault.GARBAGE:
                await self.send_text('{"type": "Resul')
            case Fault.SHAPELESS:
                await self.send(["what", {"is": "this"}])
            case Fault.ERROR:
                await self.send(error)
                await self.close(1011, "internal error")
            case Fault.STALL:
                pass

    async def until_left(self) -> None:
        """Read what the client sends and answer nothing. Raises ConnectionClosed when it leaves."""
        while True:
            await self.receive(STALL_S)


class SpeechServer:
    """`async with SpeechServer(dialect, script) as server`: serves at `server.url` until left.

    `keys`: those it accepts; empty accepts any but an empty one. `port`: one that the caller keeps for it with
    SO_REUSEPORT; 0: any. `on_fault` is told of a fault just before it happens.
    """

    def __init__(
        self,
        dialect: Dialect,
        script: Script,
        keys: frozenset[str] = frozenset(),
        port: int = 0,
        on_fault: Callable[[Seen], None] = lambda _: None,
    ) -> None:
        self.script = script
        self.seen: list[Seen] = []
        self._dialect = dialect
        self._keys = keys
        self._port = port
        self._on_fault = on_fault
        self._taken: dict[ServerConnection, tuple[Seen, Hearing | Saying]] = {}
        self._changed = asyncio.Condition()
        self._left = asyncio.Event()
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        # Like the vendors' servers it does not compress: audio does not get smaller.
        self._server = await serve(
            self._serve,
            HOST,
            self._port,
            process_request=self._open,
            compression=None,
            max_queue=256,
            ping_interval=None,
            reuse_port=self._port > 0,
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._left.set()
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://{HOST}:{next(iter(self._server.sockets)).getsockname()[1]}"

    @property
    def open_count(self) -> int:
        return len(self._taken)

    async def until(self, reached: Callable[[], bool], timeout_s: float = 10.0) -> None:
        """Wait until `reached` says so, asked whenever a message came or a connection ended. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(reached)

    async def changed(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _open(self, socket_: ServerConnection, request: Request) -> Response | None:
        parts = urlsplit(request.path)
        key = self._dialect.key_of(lambda name: request.headers.get(name, ""))
        seen = Seen(parts.path, dict(parse_qsl(parts.query)), key, len(self.seen) + 1)
        self.seen.append(seen)
        wrong_key = not key or (self._keys and key not in self._keys)
        reaction = Refusal(401) if wrong_key else self.script(seen)
        if isinstance(reaction, Refusal):
            # Who waits for this has left when the server is.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(reaction.delay_s):
                    await self._left.wait()
            seen.closed = True
            return _json(socket_, reaction.status, self._dialect.refusal(reaction.status, reaction.code))
        if request.headers.get("upgrade", "").lower() != "websocket":
            seen.closed = True
            page = self._dialect.page(parts.path)
            if page is None:
                return _json(socket_, 404, self._dialect.refusal(404))
            return _json(socket_, 200, page)
        self._taken[socket_] = (seen, reaction)
        return None

    async def _serve(self, socket_: ServerConnection) -> None:
        seen, reaction = self._taken[socket_]
        try:
            with contextlib.suppress(ConnectionClosed, TimeoutError):
                link = Link(socket_, self.changed, lambda: self._on_fault(seen))
                await self._dialect.converse(link, seen, reaction)
        finally:
            seen.closed = True
            del self._taken[socket_]
            await self.changed()


def _json(socket_: ServerConnection, status: int, body: object) -> Response:
    response = socket_.respond(HTTPStatus(status), json.dumps(body) + "\n")
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response
