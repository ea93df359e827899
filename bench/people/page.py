"""A person's page as the bench plays it: a ticket of its own making, one socket, commands, the sound it listens to."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urljoin
from uuid import UUID

import msgspec

from bench.server_process import Server
from bench.stream_socket import StreamSocket, connect
from events.ids import new_id
from events.ticket import LIFETIME_S, Seat, Ticket, seal

ANSWER_TIMEOUT_S: Final = 10.0


class Live(msgspec.Struct, frozen=True):
    """What the bench's server tells of its door for people, on `/people`."""

    path: str  # of the people's socket
    key: str  # that it takes tickets by: they are the client's to make here
    org_id: UUID
    calls: dict[str, UUID]  # that are live, by the name that their stream came by


class PageFailed(Exception):
    """The server refused what a page asked for, or did not answer; the message has its words."""


class _Told(msgspec.Struct):
    """All that a page looks at of whatever it is told."""

    say: str
    id: int = -1
    n: int = 0
    prospect: bytes = b""
    ours: bytes = b""
    code: str = ""
    sentence: str = ""
    data: dict[str, Any] = {}


_READ: Final = msgspec.msgpack.Decoder(_Told)


class Page:
    """One person's. Opened by `come`."""

    def __init__(self) -> None:
        self.frames = 0  # of sound
        self.missing = 0  # numbers of frames that never came
        self.sounded: asyncio.Future[float] = asyncio.get_running_loop().create_future()  # when sound first came
        self.connected = asyncio.Event()  # the sound of the peer connection
        self._number = 0
        self._last = 0  # frame
        self._answers: dict[int, asyncio.Future[_Told]] = {}
        self._socket: StreamSocket

    async def come(self, server: Server, live: Live, call: str, seat: Seat) -> None:
        """Open the socket and come to the call of that name.

        Raises:
            PageFailed
            StreamRefused, OSError, TimeoutError: there is no socket.
        """
        ticket = new_ticket(live, live.calls[call], seat, int(time.time()))
        self._socket = await connect(urljoin(server.stream_url, live.path), lambda _: None, self._take)
        await self.ask("come", ticket=ticket)

    async def ask(self, do: str, **fields: object) -> dict[str, Any]:
        """Have that done and return what the answer holds. Raises PageFailed."""
        self._number += 1
        answer = self._answers[self._number] = asyncio.get_running_loop().create_future()
        self._socket.send_bytes(msgspec.msgpack.encode({"do": do, "id": self._number, **fields}))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                told = await answer
        except TimeoutError:
            raise PageFailed(f"{do}: no answer in {ANSWER_TIMEOUT_S:.0f} s") from None
        if told.say == "refused":
            raise PageFailed(f"{do}: {told.code}: {told.sentence}")
        return dict(told.data)

    async def join(self, connect_by: Callable[[str], Any], offer: str) -> None:
        """Be in the call by sound: `connect_by` gets the answer to the offer. Raises PageFailed."""
        await connect_by((await self.ask("connect", sdp=offer))["sdp"])
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self.connected.wait()
        except TimeoutError:
            raise PageFailed("connect: the server did not let the sound in") from None

    @property
    def lost(self) -> bool:
        return self._socket.closed.is_set()

    def close(self) -> None:
        self._socket.close()

    def _take(self, message: bytes) -> None:
        told = _READ.decode(message)
        match told.say:
            case "sound":
                self.frames += 1
                if self._last:
                    self.missing += told.n - self._last - 1
                self._last = told.n
                if not self.sounded.done() and (told.prospect or told.ours):
                    self.sounded.set_result(time.monotonic())
            case "ok" | "refused" | "welcome":
                answer = self._answers.pop(told.id, None)
                if answer is not None and not answer.done():
                    answer.set_result(told)
            case "connected":
                self.connected.set()
            case "over":
                self._end(told)

    def _end(self, told: _Told) -> None:
        """The server ends it: whoever waits for an answer gets none."""
        for answer in self._answers.values():
            if not answer.done():
                answer.set_result(_Told("refused", code=told.code, sentence=told.sentence))
        self._answers.clear()


def new_ticket(live: Live, call_id: UUID, seat: Seat, now_s: int) -> str:
    """Return what the CRM would give a person of the organisation's; each is another person. `now_s`: Unix time."""
    ticket = Ticket(
        id=new_id(),
        org_id=live.org_id,
        call_id=call_id,
        user_id=new_id(),
        name="Ada",
        role=seat.value,
        session_id=None,
        seat=seat,
        issued_at=now_s,
        expires_at=now_s + LIFETIME_S,
    )
    return seal(ticket, live.key)
