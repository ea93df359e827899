"""The customer of the carrier: a small server that speaks our side of the protocol, written for these tests alone.

Everything that arrives is checked with the vendor's own validator before it is noted.
"""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket
from starlette.websockets import WebSocketDisconnect
from twilio.request_validator import RequestValidator

WAIT_S = 10.0


class Unsigned(Exception):
    """A request without the right signature reached the customer."""


@dataclass
class Talk:
    """One media stream, as the server sees it."""

    socket: WebSocket
    headers: dict[str, str]
    messages: list[dict[str, Any]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    closed: bool = False

    @property
    def sid(self) -> str:
        return str(self.messages[1]["streamSid"])

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["event"] == event]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    async def frames(self, count: int) -> None:
        """Wait until `count` frames in all have come."""
        await self.until(lambda: len(self.of("media")) >= count)

    async def play(self, ulaw: bytes) -> None:
        payload = base64.b64encode(ulaw).decode()
        await self.send({"event": "media", "media": {"payload": payload}})

    async def mark(self, name: str) -> None:
        await self.send({"event": "mark", "mark": {"name": name}})

    async def clear(self) -> None:
        await self.send({"event": "clear"})

    async def send(self, message: dict[str, Any]) -> None:
        await self.socket.send_json({**message, "streamSid": self.sid})


Behaviour = Callable[[Talk], Awaitable[None]]


@dataclass
class Customer:
    address: str
    token: str
    document: str = "<Response/>"
    behave: Behaviour | None = None
    statuses: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    voices: list[dict[str, str]] = field(default_factory=list)
    talks: list[Talk] = field(default_factory=list)
    failures: list[int] = field(default_factory=list)  # answers that the next status callbacks get
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def stream_address(self) -> str:
        return self.address.replace("http://", "ws://") + "/stream"

    def of(self, event: str) -> list[dict[str, str]]:
        """Return the callbacks with this status, verdict or stream event."""
        keys = ("CallStatus", "AnsweredBy", "StreamEvent")
        return [form for form in self.statuses if event in [form.get(key) for key in keys]]

    async def until(self, done: Callable[[], bool]) -> None:
        async with asyncio.timeout(WAIT_S):
            while not done():
                self.changed.clear()
                await self.changed.wait()

    def app(self) -> FastAPI:
        app = FastAPI()
        validator = RequestValidator(self.token)

        async def checked(request: Request) -> dict[str, str]:
            form = {key: str(value) for key, value in (await request.form()).items()}
            if not validator.validate(str(request.url), form, request.headers.get("X-Twilio-Signature", "")):
                raise Unsigned(str(request.url))
            return form

        @app.post("/voice")
        async def voice(request: Request) -> Response:
            self.voices.append(await checked(request))
            return Response(self.document, media_type="application/xml")

        @app.post("/status")
        async def status(request: Request) -> Response:
            self.statuses.append(await checked(request))
            self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
            self.changed.set()
            return Response(status_code=self.failures.pop(0) if self.failures else 204)

        @app.websocket("/stream")
        async def stream(websocket: WebSocket) -> None:
            headers = dict(websocket.headers)
            if not validator.validate(str(websocket.url), {}, headers.get("x-twilio-signature", "")):
                await websocket.close(1008)
                return
            await websocket.accept()
            await self._talk(Talk(websocket, headers))

        return app

    async def _talk(self, talk: Talk) -> None:
        self.talks.append(talk)
        async with asyncio.TaskGroup() as tasks:
            if self.behave is not None:
                tasks.create_task(self._behave(talk, self.behave))
            try:
                while True:
                    talk.messages.append(json.loads(await talk.socket.receive_text()))
                    talk.changed.set()
                    self.changed.set()
            except (WebSocketDisconnect, RuntimeError):
                talk.closed = True
                talk.changed.set()
                self.changed.set()

    async def _behave(self, talk: Talk, behave: Behaviour) -> None:
        await talk.frames(1)
        await behave(talk)


@asynccontextmanager
async def customer_server(token: str) -> AsyncGenerator[Customer, None]:
    with listening() as own:
        customer = Customer(f"http://127.0.0.1:{own.getsockname()[1]}", token)
        async with serving(customer.app(), own):
            yield customer


def listening() -> socket.socket:
    """Return a socket that listens on a free port of loopback."""
    own = socket.socket()
    own.bind(("127.0.0.1", 0))
    own.listen(64)
    return own


@asynccontextmanager
async def serving(app: FastAPI, own: socket.socket) -> AsyncGenerator[None, None]:
    """Serve `app` on a listening socket for as long as the block lasts."""
    configured = uvicorn.Config(
        app, log_level="error", ws="websockets-sansio", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(configured)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve([own]))
        async with asyncio.timeout(WAIT_S):
            while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.005)
        try:
            yield
        finally:
            server.should_exit = True
