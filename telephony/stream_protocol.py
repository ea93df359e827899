"""uvicorn's websocket protocol with a direct way for media: a message goes to its taker by a plain call.

On the ordinary way every message is put on a queue, wakes a task, and has the socket's reading stopped and resumed
behind it. A telephone stream brings fifty messages a second and needs none of that. Handshake, close, ping and all
that is not a whole text message stay with the libraries; until a stream is taken over, everything does.
"""

import asyncio
from typing import Final, Protocol

from starlette.websockets import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request
from websockets.protocol import OPEN

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform without the compiled part
    from websockets.utils import apply_mask

EXTENSION: Final = "salesos.stream"
# What waits here cannot be taken back by a clear any more: about a second and a half of speech.
WRITE_BUFFER_BYTES: Final = 16 * 1024
# A connection that is over waits ten seconds for the peer's own close, and for ever for a peer that takes no more of
# what is still to be written: then it is cut.
LINGER_S: Final = 12.0

# RFC 6455 §5.2: a text frame that is a whole message, and the lengths that follow.
_WHOLE_TEXT: Final = 0x81
_MASKED: Final = 0x80
_SHORT_MAX: Final = _MASKED | 125
_TWO_BYTES: Final = _MASKED | 126


class Taker(Protocol):
    """Who takes a stream over; called on the loop, never waits."""

    def received(self, message: bytes) -> None:
        """Take one message, text or binary; the server has limited its size."""

    def writable(self) -> None:
        """The peer takes data again."""

    def lost(self) -> None:
        """The socket is gone: nothing follows."""


class Stream(Protocol):
    """A websocket that can be taken over."""

    def take(self, taker: Taker) -> None:
        """From here on `taker` gets the messages; those that have waited come within this call."""

    def say(self, text: str) -> None:
        """Write a text message now; without effect on a socket that is closing."""

    @property
    def blocked(self) -> bool:
        """True while the peer takes less than it was sent: hold back until `writable` is called."""


def stream_of(socket: WebSocket) -> Stream:
    """Return the stream behind an accepted websocket of a server made by `stream_server`."""
    stream: Stream = socket.scope["extensions"][EXTENSION]
    return stream


class StreamProtocol(WebSocketsSansIOProtocol):
    """One connection. Implements `Stream`."""

    _taker: Taker | None = None
    _blocked = False
    _cutting: asyncio.TimerHandle | None = None

    def take(self, taker: Taker) -> None:
        self._taker = taker
        self.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        waiting = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        for event in waiting:
            if event["type"] == "websocket.receive":
                text = event.get("text")
                taker.received(event.get("bytes") or b"" if text is None else text.encode())
            else:
                self.queue.put_nowait(event)
        if self.disconnected:
            taker.lost()
        elif self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def say(self, text: str) -> None:
        if self.close_sent or self.disconnected:
            return
        try:
            self.conn.send_text(text.encode())
        except InvalidState:
            return  # the peer has begun to close
        self.transport.write(b"".join(self.conn.data_to_send()))

    @property
    def blocked(self) -> bool:
        return self._blocked

    # asyncio's side

    def pause_writing(self) -> None:
        self._blocked = True
        super().pause_writing()

    def resume_writing(self) -> None:
        self._blocked = False
        super().resume_writing()
        if self._taker is not None:
            self._taker.writable()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if self._cutting is not None:
            self._cutting.cancel()
        if self._taker is not None:
            self._taker.lost()

    def data_received(self, data: bytes) -> None:
        rest = data if self._taker is None else self._take_whole(self._taker, data)
        if rest:
            super().data_received(rest)

    def _take_whole(self, taker: Taker, data: bytes) -> bytes:
        """Hand on the whole masked text messages that `data` begins with; returns what is left for the libraries.

        The library's parser, which also takes messages in pieces, needs three times as long for a frame.
        """
        conn = self.conn
        if conn.state is not OPEN or conn.current_size is not None or conn.reader.buffer or self.close_sent:
            return data
        start, size = 0, len(data)
        while size - start > 6 and data[start] == _WHOLE_TEXT:
            length = data[start + 1]
            if _MASKED <= length <= _SHORT_MAX:
                begin, length = start + 6, length - _MASKED
            elif length == _TWO_BYTES:
                begin, length = start + 8, data[start + 2] << 8 | data[start + 3]
            else:
                break
            end = begin + length
            if end > size or length > self.config.ws_max_size:
                break
            taker.received(apply_mask(data[begin:end], data[begin - 4 : begin]))
            start = end
        return data[start:] if start else data

    # uvicorn's side

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            # The application has not been called yet: its task has only been made.
            extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]
            extensions[EXTENSION] = self

    def on_task_complete(self, task: asyncio.Task[None]) -> None:
        super().on_task_complete(task)
        if not self.disconnected:
            self._cutting = self.loop.call_later(LINGER_S, self.transport.abort)

    def handle_ping(self) -> None:
        if self._blocked:
            self.conn.data_to_send()  # a peer that asks and does not read would have us keep every answer
        else:
            super().handle_ping()

    def send_receive_event_to_app(self) -> None:
        if self._taker is None:
            super().send_receive_event_to_app()
            return
        message = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if not self.close_sent:
            self._taker.received(bytes(message))
