"""A chat provider as a server on loopback: true HTTP over real sockets, for the vendors' own SDKs.

HTTP/1.1 by hand on purpose: a web framework hides what is needed here, when exactly a byte goes out, how a socket
breaks in the middle of a body, and at which moment the client left. It says what its script tells it.
"""

import asyncio
import contextlib
import json
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Self

from bench.providers.chat_dialect import Dialect
from bench.providers.chat_script import Answer, Fault, Reaction, Refusal, Script, Seen

HOST: Final = "127.0.0.1"
HEAD_BYTES_MAX: Final = 64 * 1024
BODY_BYTES_MAX: Final = 4 * 1024 * 1024
STALL_S: Final = 60.0  # longer than any client of ours waits
SEND_TIMEOUT_S: Final = 10.0
IDLE_TIMEOUT_S: Final = 120.0
_REASONS: Final = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 429: "Too Many Requests", 529: "Overloaded"}


class _ClientLeft(Exception):
    """The client closed its socket while an answer was due."""


class ChatServer:
    """`async with ChatServer(dialect, script) as server`: serves at `server.base_url` until left.

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
        self.connections = 0
        self._dialect = dialect
        self._keys = keys
        self._port = port
        self._on_fault = on_fault
        self._open: set[StreamWriter] = set()
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, HOST, self._port, limit=HEAD_BYTES_MAX, reuse_port=self._port > 0
        )
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.stop()

    async def stop(self) -> None:
        """Close the port and every connection, at once; may be called twice."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        async with self._changed:
            await asyncio.wait_for(self._changed.wait_for(lambda: not self._open), SEND_TIMEOUT_S)

    @property
    def base_url(self) -> str:
        assert self._server is not None
        return f"http://{HOST}:{self._server.sockets[0].getsockname()[1]}{self._dialect.default_path}"

    async def until(self, *, left: int = 0, whole: int = 0, timeout_s: float = 10.0) -> None:
        """Wait until so many clients left an answer, and so many answers went out whole.

        Raises:
            TimeoutError: they did not.
        """

        def reached() -> bool:
            return sum(seen.left for seen in self.seen) >= left and sum(seen.whole for seen in self.seen) >= whole

        async with asyncio.timeout(timeout_s), self._changed:
            await self._changed.wait_for(reached)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        self._open.add(writer)
        try:
            with contextlib.suppress(_ClientLeft, OSError, asyncio.IncompleteReadError, TimeoutError):
                while True:
                    seen = await self._request(reader, connection)
                    self.seen.append(seen)
                    try:
                        await self._react(seen, reader, writer)
                    except (_ClientLeft, OSError):
                        seen.left = True
                        break
                    finally:
                        await self._tell()
        finally:
            writer.close()
            self._open.discard(writer)
            await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _request(self, reader: StreamReader, connection: int) -> Seen:
        """Raises IncompleteReadError when the client closes instead, and for a request larger than the limits."""
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.split("\r\n")
            method, path, _version = first.split(" ", 2)
            pairs = (line.split(":", 1) for line in lines if ":" in line)
            headers = {name.strip().lower(): value.strip() for name, value in pairs}
            length = min(int(headers.get("content-length", "0")), BODY_BYTES_MAX)
            raw = await reader.readexactly(length)
        body = json.loads(raw) if raw else {}
        return Seen(method, path, self._dialect.key_of(headers), body, connection)

    async def _react(self, seen: Seen, reader: StreamReader, writer: StreamWriter) -> None:
        if seen.method == "HEAD":
            await _send(writer, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            return
        reaction = self._reaction(seen)
        match reaction:
            case Refusal():
                await _pause(reader, reaction.delay_s)
                await self._refuse(reaction, writer)
            case Answer():
                await self._answer(reaction, seen, reader, writer)
            case _:
                await self._send_json(200, reaction, writer)

    def _reaction(self, seen: Seen) -> Reaction | Mapping[str, Any]:
        if not seen.key or (self._keys and seen.key not in self._keys):
            return Refusal(401)
        if not self._dialect.is_generation(seen.method, seen.path):
            return self._dialect.models()
        return Refusal(400) if self._dialect.refuses(seen.body) else self.script(seen)

    async def _refuse(self, refusal: Refusal, writer: StreamWriter) -> None:
        extra = {} if refusal.retry_after_s is None else {"retry-after": str(refusal.retry_after_s)}
        if refusal.body is not None:
            await _send(writer, _head(refusal.status, {"content-type": "text/html"} | extra, len(refusal.body)))
            await _send(writer, refusal.body)
            return
        body = self._dialect.error_body(refusal.status, refusal.retry_after_s)
        # Where a vendor has another status for the same fault, its body says so.
        error = body.get("error", {})
        status = error.get("code") if isinstance(error.get("code"), int) else refusal.status
        await self._send_json(status, body, writer, extra)

    async def _send_json(
        self, status: int, body: Mapping[str, Any], writer: StreamWriter, extra: Mapping[str, str] | None = None
    ) -> None:
        raw = json.dumps(body).encode()
        await _send(writer, _head(status, {"content-type": "application/json"} | dict(extra or {}), len(raw)) + raw)

    async def _answer(self, answer: Answer, seen: Seen, reader: StreamReader, writer: StreamWriter) -> None:
        await _send(writer, _head(200, {"content-type": "text/event-stream; charset=utf-8"}, None))
        await _pause(reader, answer.first_token_s)
        await _chunk(writer, self._dialect.opening(answer, str(seen.body.get("model", ""))))
        for index, text in enumerate(answer.pieces):
            if answer.fault is not None and index == answer.fault_after:
                break
            if index:
                await _pause(reader, answer.gap_s)
            await _chunk(writer, self._dialect.piece(text, index))
            seen.pieces_sent += 1
        if answer.fault is not None:
            self._on_fault(seen)
            await self._fail(answer.fault, reader, writer)
            return
        await _chunk(writer, self._dialect.calls(answer.calls, answer))
        await _chunk(writer, self._dialect.closing(answer))
        await _send(writer, b"0\r\n\r\n")
        seen.whole = True

    async def _fail(self, fault: Fault, reader: StreamReader, writer: StreamWriter) -> None:
        match fault:
            case Fault.STALL:
                await _pause(reader, STALL_S)
                writer.transport.abort()
            case Fault.CUT:
                sock = writer.get_extra_info("socket")
                # Linger of zero seconds: the peer gets a reset instead of an orderly end.
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
            case Fault.TRUNCATED:
                await _send(writer, b"0\r\n\r\n")
            case Fault.GARBAGE:
                await _chunk(writer, (b'event: message_delta\ndata: {"choices": [\xc3\x28\n\n',))
                await _send(writer, b"0\r\n\r\n")
            case Fault.ERROR_EVENT:
                await _chunk(writer, (self._dialect.error_event(),))
                await _send(writer, b"0\r\n\r\n")


def _head(status: int, headers: Mapping[str, str], length: int | None) -> bytes:
    framing = {"transfer-encoding": "chunked"} if length is None else {"content-length": str(length)}
    lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Error')}"]
    lines += [f"{name}: {value}" for name, value in (dict(headers) | framing).items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _chunk(writer: StreamWriter, events: Iterable[bytes]) -> None:
    data = b"".join(events)
    if data:
        await _send(writer, f"{len(data):x}\r\n".encode() + data + b"\r\n")


async def _send(writer: StreamWriter, data: bytes) -> None:
    if writer.is_closing():
        raise _ClientLeft  # uvloop takes a write to a closed socket for a bug
    async with asyncio.timeout(SEND_TIMEOUT_S):
        writer.write(data)
        await writer.drain()


async def _pause(reader: StreamReader, seconds: float) -> None:
    """Wait, and notice when the client leaves: it has nothing to send while an answer is due.

    Raises:
        _ClientLeft: it closed its side.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0.0)):
            if not await reader.read(1):
                raise _ClientLeft
