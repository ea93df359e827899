"""One page's websocket: reads its messages one by one, has each obeyed, and sends what waits for it.

Whose page it is, and what it may ask for, is its owner's matter. What is too slow, too many or too long ends it.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import WebSocket, WebSocketDisconnect

from telephony.people import messages
from telephony.people.outgoing import Outgoing
from telephony.people.pace import Pace

SILENT_S: Final = 40.0  # two pings and more are missing
SEND_TIMEOUT_S: Final = 5.0
REFUSED_IN_A_ROW_MAX: Final = 100
CLOSED: Final = 4000  # a close code of our own (RFC 6455 §7.4.2)


class _Ended(Exception):
    """Ends the socket's task group."""


class PageSocket:
    """`serve` until it ends, then `say_over`. `tell`, `feed` and `end` never wait."""

    def __init__(
        self, socket: WebSocket, obey: Callable[[messages.Asked, bytes], Awaitable[messages.Sent]], silent_s: float
    ) -> None:
        """`silent_s`: without a message for so long the page is gone."""
        self._socket = socket
        self._obey = obey
        self._silent_s = silent_s
        self._outgoing = Outgoing()
        self._over: messages.Over | None = None
        self._ended = asyncio.Event()

    @property
    def shed(self) -> int:
        """How many messages of its feed the page went without."""
        return self._outgoing.shed

    def tell(self, message: messages.Sent) -> None:
        self._outgoing.tell(messages.write(message))
        if self._outgoing.overrun:
            self.end("too_slow", "Your connection does not take what the call has to tell.")

    def feed(self, frame: bytes) -> None:
        self._outgoing.feed(frame)

    def end(self, code: str, sentence: str) -> None:
        if self._over is None:
            self._over = messages.Over(code, sentence)
            self._ended.set()

    async def serve(self) -> None:
        """Read and write until the page, or somebody else, ends it."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(), name="people.read")
                tasks.create_task(self._write(), name="people.write")
                await self._ended.wait()
                raise _Ended
        except* _Ended:
            pass

    async def say_over(self) -> None:
        """Say why it ended, if there is anybody to hear it, and close."""
        over = self._over
        if over is None or over.code == "gone":
            return
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(SEND_TIMEOUT_S):
                while len(self._outgoing):  # answers come before the end that they led to
                    await self._socket.send_bytes(await self._outgoing.get())
                await self._socket.send_bytes(messages.write(over))
                await self._socket.close(CLOSED, over.code)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(loop.time())
        while True:
            try:
                async with asyncio.timeout(self._silent_s):
                    raw = await receive(self._socket)
            except TimeoutError:
                self.end("silent", f"Nothing came from your page for {self._silent_s:.0f} seconds.")
                return
            except WebSocketDisconnect:
                self.end("gone", "")
                return
            try:
                asked = messages.read(raw)
            except messages.BadMessage as error:
                self.end("bad_message", str(error))
                return
            if pace.allows(loop.time()):
                self.tell(await self._obey(asked, raw))
            elif pace.refused > REFUSED_IN_A_ROW_MAX:
                self.end("too_fast", "Your page sends far too many commands.")
                return
            else:
                self.tell(messages.Refused(asked.id, "too_fast", "That is too many commands at once: wait a moment."))

    async def _write(self) -> None:
        while True:
            message = await self._outgoing.get()
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._socket.send_bytes(message)
            except (TimeoutError, WebSocketDisconnect, RuntimeError):
                # RuntimeError: starlette's word for a socket that has closed.
                self.end("gone", "")
                return


async def receive(socket: WebSocket) -> bytes:
    """Return the next message; one in text is none of ours, and empty. Raises WebSocketDisconnect."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    return message.get("bytes") or b""
