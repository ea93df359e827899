"""WebSocket frames of every kind, the forbidden ones too, and a raw connection that sends them (RFC 6455).

`bench/stream_socket.py` is the well-behaved client; this one does what it is told.
"""

import asyncio
import contextlib
import os
import socket
import struct
from base64 import b64encode
from collections.abc import AsyncGenerator
from typing import Final
from urllib.parse import urlsplit

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
CONNECT_TIMEOUT_S: Final = 10.0
_HEAD_BYTES_MAX: Final = 16_384
_KEY: Final = b64encode(bytes(16)).decode()  # RFC 6455 §4.1; it proves nothing here


class NotUpgraded(Exception):
    """The server refused the handshake; says with what."""


def frame(
    opcode: int,
    payload: bytes,
    *,
    final: bool = True,
    masked: bool = True,
    reserved: int = 0,
    claimed: int | None = None,
) -> bytes:
    """Return one frame; `claimed` is a length that the head tells instead of the payload's own."""
    size = len(payload) if claimed is None else claimed
    first = (0x80 if final else 0) | (reserved & 0x7) << 4 | opcode & 0xF
    bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack(">BB", first, bit | size)
    elif size < 1 << 16:
        head = struct.pack(">BBH", first, bit | 126, size)
    else:
        head = struct.pack(">BBQ", first, bit | 127, size)
    if not masked:
        return head + payload
    mask = os.urandom(4)
    key = int.from_bytes((mask * (len(payload) // 4 + 1))[: len(payload)], "big")
    return head + mask + (int.from_bytes(payload, "big") ^ key).to_bytes(len(payload), "big")


class RawStream:
    """One TCP connection to the stream's address, upgraded or not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, path: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host
        self._path = path

    @property
    def closed(self) -> bool:
        """True once the server has closed or reset."""
        return self._reader.at_eof() or self._writer.is_closing()

    @property
    def handshake(self) -> bytes:
        return (
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()

    async def upgrade(self) -> None:
        """Raises NotUpgraded, OSError, TimeoutError."""
        self._writer.write(self.handshake)
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            try:
                head = await self._reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                raise NotUpgraded("no answer to the handshake") from None
        if not head.startswith(b"HTTP/1.1 101"):
            raise NotUpgraded(head.split(b"\r\n")[0].decode(errors="replace"))

    def write(self, raw: bytes) -> None:
        """Put bytes on their way; what the server does not take waits here."""
        if not self._writer.is_closing():
            self._writer.write(raw)

    @property
    def unsent_bytes(self) -> int:
        return self._writer.transport.get_write_buffer_size()

    async def read(self) -> bytes:
        """Return what the server has sent; b"" once it has closed. Raises OSError."""
        return await self._reader.read(65_536)

    def stop_reading(self) -> None:
        """Leave what the server sends in the kernel."""
        self._writer.transport.pause_reading()  # type: ignore[attr-defined]  # asyncio types it for readers only

    def reset(self) -> None:
        """End by RST instead of FIN (linger of zero)."""
        own = self._writer.get_extra_info("socket")  # None once it is closed
        with contextlib.suppress(OSError, AttributeError):
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def raw_stream(url: str, receive_bytes: int = 0) -> AsyncGenerator[RawStream]:
    """Connect without a handshake; `receive_bytes` sets the kernel's buffer. Closed by RST if still open at the end.

    Raises:
        OSError, TimeoutError
    """
    parts = urlsplit(url)
    own = socket.socket()
    own.setblocking(False)
    if receive_bytes:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await asyncio.get_running_loop().sock_connect(own, (parts.hostname, parts.port))
            reader, writer = await asyncio.open_connection(sock=own)
    except BaseException:
        own.close()
        raise
    stream = RawStream(reader, writer, f"{parts.hostname}:{parts.port}", parts.path or "/")
    try:
        yield stream
    finally:
        stream.reset()
