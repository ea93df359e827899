"""Connections that bring no request, half of one, or one without an end are cut; others are served as ever."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator

import pytest
from fastapi import FastAPI, Request, WebSocket

from bench.ws_frames import TEXT, RawStream, frame, raw_stream
from telephony.web_server import stream_server


@contextlib.asynccontextmanager
async def serving() -> AsyncGenerator[str]:
    app = FastAPI()

    @app.post("/echo")
    async def echo(request: Request) -> int:
        return len(await request.body())

    @app.websocket("/stream")
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(await websocket.receive_text())

    listener = socket.create_server(("127.0.0.1", 0))
    server = stream_server(app)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.serve(sockets=[listener]))
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}/stream"
        finally:
            server.should_exit = True
            await running
            listener.close()


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.http_protocol.HANDSHAKE_TIMEOUT_S", 0.2)


async def cut(peer: RawStream) -> None:
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionResetError):
            while await peer.read():
                pass


POST = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET /stream HTTP/1.1\r\nHost: x\r\nUpgr", id="half a handshake"),
        pytest.param(POST + b"12345", id="half a body"),
        pytest.param(POST + b"1234567890" + b"POST /ec", id="a request and half another"),
    ],
)
async def test_a_connection_without_an_end_is_cut(said: bytes) -> None:
    async with serving() as url, raw_stream(url) as peer:
        peer.write(said)
        await cut(peer)


async def test_a_stream_outlives_the_patience_with_requests() -> None:
    async with serving() as url, raw_stream(url) as peer:
        await peer.upgrade()
        await asyncio.sleep(0.5)
        peer.write(frame(TEXT, b"still here"))
        async with asyncio.timeout(5):
            assert b"still here" in await peer.read()


async def test_request_after_request_is_served() -> None:
    async with serving() as url, raw_stream(url) as peer:
        for _ in range(8):
            peer.write(POST + b"1234567890")
            async with asyncio.timeout(5):
                assert b"200 OK" in await peer.read()
            await asyncio.sleep(0.1)
