"""A WebSocket client as small as the bench needs it: texts both ways (RFC 6455), or bytes for who asks for them.

The load client shares a machine with what it measures, so a frame must cost it next to nothing: frames leave with a
mask of zeros (RFC 6455 §5.3 asks for a mask, not for a good one), which spares the copying, and messages in pieces
or compressed are refused.
"""

import asyncio
import struct
from base64 import b64encode
from collections.abc import Callable
from typing import Final, cast
from urllib.parse import urlsplit

CONNECT_TIMEOUT_S: Final = 10.0
_UPGRADED: Final = b"HTTP/1.1 101"
_HEAD_BYTES_MAX: Final = 16_384
_TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL: Final = 0x80
_MASKED: Final = 0x80
_LONG: Final = struct.Struct(">BBH4x")  # the mask is the four zeros
_SHORT: Final = struct.Struct(">BB4x")


class StreamRefused(Exception):
    """The server did not upgrade the connection, or speaks what we do not."""


def text_frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """Return a message, text unless told otherwise, as one masked frame; at most 64 KiB."""
    if len(payload) < 126:
        return _SHORT.pack(_FINAL | opcode, _MASKED | len(payload)) + payload
    return _LONG.pack(_FINAL | opcode, _MASKED | 126, len(payload)) + payload


class StreamSocket(asyncio.Protocol):
    """One connection. Received texts go to `on_text` on the loop, received bytes to `on_bytes`: None refuses them."""

    def __init__(
        self, url: str, on_text: Callable[[bytes], None], on_bytes: Callable[[bytes], None] | None = None
    ) -> None:
        parts = urlsplit(url)
        self._host = f"{parts.hostname}:{parts.port}"
        self._path = parts.path or "/"
        self._on_text = on_text
        self._on_bytes = on_bytes
        self._received = bytearray()
        self._upgraded = False
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed = asyncio.Event()
        self.close_code: int | None = None  # as the server gave it (RFC 6455 §7.4); None when it gave none
        self.close_reason = ""
        self._transport: asyncio.Transport | None = None

    @property
    def unsent_bytes(self) -> int:
        """What the server has not taken yet."""
        return self._transport.get_write_buffer_size() if self._transport is not None else 0

    def send(self, payload: bytes) -> None:
        """Send a text; after the connection has closed it does nothing."""
        if self._transport is not None:
            self._transport.write(text_frame(payload))

    def send_bytes(self, payload: bytes) -> None:
        """Send a binary message; as `send`."""
        if self._transport is not None:
            self._transport.write(text_frame(payload, _BINARY))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports have the interface, not the class.
        self._transport = cast(asyncio.Transport, transport)
        key = b64encode(bytes(16)).decode()  # proves nothing here; the server only echoes its hash
        self._transport.write(
            f"GET {self._path} HTTP/1.1\r\nHost: {self._host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if not self.opened.done():
            self.opened.set_exception(StreamRefused("closed before the upgrade"))
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if not self._upgraded and not self._take_head():
            return
        self._take_frames()

    def _take_head(self) -> bool:
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            if len(self._received) > _HEAD_BYTES_MAX:
                self._refuse("head too long")
            return False
        if not self._received.startswith(_UPGRADED):
            self._refuse(bytes(self._received[:64]).split(b"\r\n")[0].decode(errors="replace"))
            return False
        del self._received[: end + 4]
        self._upgraded = True
        if not self.opened.done():
            self.opened.set_result(None)
        return True

    def _take_frames(self) -> None:
        received, place = self._received, 0
        while len(received) - place >= 2:
            size, body = received[place + 1], place + 2
            if size == 126:
                size, body = int.from_bytes(received[place + 2 : place + 4]), place + 4
            elif size == 127:
                size, body = int.from_bytes(received[place + 2 : place + 10]), place + 10
            if body + size > len(received) or body > len(received):
                break
            self._take(received[place], bytes(received[body : body + size]))
            place = body + size
        del received[:place]

    def _take(self, head: int, payload: bytes) -> None:
        if head == _FINAL | _TEXT:
            self._on_text(payload)
        elif head == _FINAL | _BINARY and self._on_bytes is not None:
            self._on_bytes(payload)
        elif head == _FINAL | _PING and self._transport is not None:
            self._transport.write(_SHORT.pack(_FINAL | _PONG, _MASKED | len(payload)) + payload)
        elif head == _FINAL | _CLOSE:
            if len(payload) >= 2:
                self.close_code = int.from_bytes(payload[:2])
                self.close_reason = payload[2:].decode(errors="replace")
            self.close()
        elif head != _FINAL | _PONG:
            self._refuse(f"unexpected frame {head:#x}")

    def _refuse(self, reason: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(StreamRefused(reason))
        self.close()


async def connect(
    url: str, on_text: Callable[[bytes], None], on_bytes: Callable[[bytes], None] | None = None
) -> StreamSocket:
    """Open a stream.

    Raises:
        StreamRefused: the server said no.
        OSError, TimeoutError: it cannot be reached.
    """
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        _, opened = await loop.create_connection(
            lambda: StreamSocket(url, on_text, on_bytes), parts.hostname or "127.0.0.1", parts.port or 80
        )
        await opened.opened
    return opened
