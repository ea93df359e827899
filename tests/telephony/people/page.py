"""A person's page, played from outside: its ticket, its socket, its commands and what it is told."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator
from typing import Any
from uuid import UUID

import msgspec
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from config.settings import Settings
from events.ids import new_id
from events.ticket import LIFETIME_S, Seat, Ticket, seal
from tests.telephony.softphone.browser import Browser


def ticket(settings: Settings, org_id: UUID, call_id: UUID, **changes: Any) -> str:
    now = int(time.time())
    values: dict[str, Any] = {
        "id": new_id(),
        "org_id": org_id,
        "call_id": call_id,
        "user_id": new_id(),
        "name": "Ada",
        "role": "rep",
        "session_id": new_id(),
        "seat": Seat.REP,
        "issued_at": now,
        "expires_at": now + LIFETIME_S,
    }
    return seal(Ticket(**(values | changes)), settings.secret_key.get_secret_value())


class Page:
    """One socket. `told` holds what came that answers nothing."""

    def __init__(self, socket: ClientConnection) -> None:
        self.told: list[dict[str, Any]] = []
        self.welcome: dict[str, Any] = {}
        self._socket = socket
        self._number = 0
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._news = asyncio.Event()
        self.over = asyncio.Event()

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send a command and return its answer."""
        self._number += 1
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._answers[self._number] = answer
        await self._socket.send(msgspec.msgpack.encode({"do": do, "id": self._number, **fields}))
        async with asyncio.timeout(10):
            return await answer

    async def until(self, say: str, code: str = "") -> dict[str, Any]:
        """Wait for a message of that kind, and return it."""
        async with asyncio.timeout(15):
            while True:
                for message in self.told:
                    if message["say"] == say and message.get("code", "") == code:
                        return message
                self._news.clear()
                await self._news.wait()

    async def join_by(self, browser: Browser) -> None:
        """Be in the call by sound."""
        answer = await self.ask("connect", sdp=await browser.offer())
        assert answer["say"] == "ok", answer
        await browser.answered(answer["data"]["sdp"])
        self.told = [message for message in self.told if message["say"] != "connected"]
        await self.until("connected")

    async def read(self) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for raw in self._socket:
                assert isinstance(raw, bytes)
                message = msgspec.msgpack.decode(raw)
                if message["say"] in ("ok", "refused", "welcome"):
                    self._answers.pop(message["id"]).set_result(message)
                else:
                    self.told.append(message)
                    self._news.set()
        self.over.set()


@contextlib.asynccontextmanager
async def opened(address: str, origin: str | None = None) -> AsyncGenerator[Page]:
    """Open a socket that has said nothing yet."""
    async with connect(address, origin=origin, max_size=None) as socket, asyncio.TaskGroup() as tasks:  # type: ignore[arg-type]  # an Origin is a text
        page = Page(socket)
        reading = tasks.create_task(page.read())
        yield page
        await socket.close()
        reading.cancel()
