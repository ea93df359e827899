"""The small WebSocket client against a real server of the `websockets` library on loopback."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.stream_socket import StreamRefused, StreamSocket, connect

SIZES = (0, 1, 125, 126, 65_535)


@asynccontextmanager
async def echoing(*, refusing: bool = False) -> AsyncGenerator[str]:
    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await (await connection.ping())
            await connection.send(message)
            if message == "large":
                await connection.send("x" * 70_000)

    async with serve(
        echo,
        "127.0.0.1",
        0,
        compression=None,
        process_request=lambda connection, _: connection.respond(403, "no") if refusing else None,
    ) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/stream"


async def test_texts_of_every_length_go_both_ways_and_pings_are_answered() -> None:
    received: asyncio.Queue[bytes] = asyncio.Queue(100)
    async with echoing() as url, asyncio.timeout(10):
        socket = await connect(url, received.put_nowait)
        for size in SIZES:
            socket.send(b"a" * size)
        assert [len(await received.get()) for _ in SIZES] == list(SIZES)
        socket.send(b"large")
        assert [len(await received.get()) for _ in range(2)] == [5, 70_000]
        socket.close()
        await socket.closed.wait()


async def test_a_refusal_is_raised() -> None:
    async with echoing(refusing=True) as url:
        with pytest.raises(StreamRefused, match="403"):
            await connect(url, lambda _: None)


async def test_a_server_that_closes_says_why() -> None:
    async def close(connection: ServerConnection) -> None:
        await connection.close(1013, "node_overloaded")

    async with serve(close, "127.0.0.1", 0) as server, asyncio.timeout(10):
        socket = await connect(f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/", lambda _: None)
        await socket.closed.wait()
    assert (socket.close_code, socket.close_reason) == (1013, "node_overloaded")


async def test_frames_are_found_however_the_bytes_arrive() -> None:
    texts: list[bytes] = []
    socket = StreamSocket("ws://127.0.0.1:1/stream", texts.append)
    bytes_ = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi\x81\x7e\x00\x80" + b"x" * 128
    for place in range(len(bytes_)):
        socket.data_received(bytes_[place : place + 1])
    assert texts == [b"hi", b"x" * 128]
    assert socket.opened.done()
