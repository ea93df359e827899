"""Streams taken over on a real server: every message comes once and in order, however it travels."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field

import pytest
from fastapi import FastAPI, WebSocket
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from bench.ws_frames import PING, TEXT, raw_stream
from bench.ws_frames import frame as ws_frame
from telephony.stream_protocol import WRITE_BUFFER_BYTES, Stream, StreamProtocol, stream_of
from telephony.twilio.messages import FRAME_CHARS_MAX
from telephony.web_server import stream_server


@dataclass
class Keeper:
    """A `Taker` that keeps everything, and may block the way it is called."""

    got: list[bytes] = field(default_factory=list)
    over: asyncio.Event = field(default_factory=asyncio.Event)
    writable_again: int = 0
    on_message: Callable[[bytes], None] = lambda message: None
    stream: Stream | None = None

    def received(self, message: bytes) -> None:
        self.got.append(message)
        self.on_message(message)

    def writable(self) -> None:
        self.writable_again += 1

    def lost(self) -> None:
        self.over.set()

    async def until(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.got) < count:  # noqa: ASYNC110 - a taker wakes nobody
                await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def serving(keeper: Keeper, *, take_after_s: float = 0.0) -> AsyncGenerator[str]:
    """Serve one route that gives its stream to `keeper`."""
    app = FastAPI()

    @app.websocket("/stream")
    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        await asyncio.sleep(take_after_s)
        keeper.stream = stream_of(websocket)
        keeper.stream.take(keeper)
        await keeper.over.wait()

    @app.websocket("/plain")
    async def plain(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text((await websocket.receive_text()).upper())

    listener = socket.create_server(("127.0.0.1", 0))
    server = stream_server(app)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(server.serve(sockets=[listener]))
        try:
            yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            keeper.over.set()
            server.should_exit = True
            await running
            listener.close()


def raw(client: ClientConnection, data: bytes) -> None:
    client.transport.write(data)


def framed(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


async def test_messages_of_every_length_come_in_order() -> None:
    keeper = Keeper()
    sent = [bytes([65 + number % 26]) * size for number, size in enumerate([0, 1, 125, 126, 127, 400, 65_535 - 1536])]
    async with serving(keeper) as url, connect(f"{url}/stream") as client:
        for message in sent:
            await client.send(message.decode())
        await keeper.until(len(sent))
    assert keeper.got == sent


async def test_a_message_cut_anywhere_comes_whole() -> None:
    """Every cut of two frames and a ping between them: the fast way and the library share one connection."""
    keeper = Keeper()
    whole = framed(Opcode.TEXT, b"one") + framed(Opcode.PING, b"") + framed(Opcode.TEXT, b"x" * 200)
    async with serving(keeper) as url, connect(f"{url}/stream") as client:
        for cut in range(1, len(whole)):
            raw(client, whole[:cut])
            await asyncio.sleep(0.001)
            raw(client, whole[cut:])
        await keeper.until(2 * (len(whole) - 1))
    assert keeper.got == [b"one", b"x" * 200] * (len(whole) - 1)


async def test_messages_in_fragments_and_binary_ones_take_the_librarys_way() -> None:
    keeper = Keeper()
    async with serving(keeper) as url, connect(f"{url}/stream") as client:
        raw(client, framed(Opcode.TEXT, b"a", fin=False) + framed(Opcode.CONT, b"b", fin=False))
        await asyncio.sleep(0.01)
        raw(client, framed(Opcode.CONT, b"c") + framed(Opcode.TEXT, b"d") + framed(Opcode.BINARY, b"\xff\x00"))
        await keeper.until(3)
    assert keeper.got == [b"abc", b"d", b"\xff\x00"]


async def test_what_came_before_the_take_over_comes_first() -> None:
    keeper = Keeper()
    async with serving(keeper, take_after_s=0.1) as url, connect(f"{url}/stream") as client:
        for number in range(20):
            await client.send(str(number))
        await keeper.until(20)
        await client.send("last")
        await keeper.until(21)
    assert keeper.got == [str(number).encode() for number in range(20)] + [b"last"]


async def test_what_is_said_arrives_and_a_closed_socket_swallows_it() -> None:
    keeper = Keeper()
    async with serving(keeper) as url, connect(f"{url}/stream") as client:
        await client.send("hello")
        await keeper.until(1)
        assert keeper.stream is not None
        keeper.stream.say("one")
        keeper.stream.say("two")
        assert [await client.recv(), await client.recv()] == ["one", "two"]
        await client.close()
        async with asyncio.timeout(5):
            await keeper.over.wait()
        keeper.stream.say("three")


async def test_a_peer_that_stops_reading_is_reported_and_flows_again() -> None:
    keeper = Keeper()
    async with serving(keeper) as url, connect(f"{url}/stream", max_queue=1) as client:
        await client.send("hello")
        await keeper.until(1)
        assert keeper.stream is not None
        said = 0
        while not keeper.stream.blocked:
            keeper.stream.say("x" * 10_000)
            said += 1
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            for _ in range(said):
                assert await client.recv() == "x" * 10_000
        assert keeper.writable_again
        keeper.stream.say("and on")
        assert await client.recv() == "and on"


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(framed(Opcode.TEXT, b"y" * (FRAME_CHARS_MAX + 1)), id="too long"),
        pytest.param(b"\x81\x05hello", id="not masked"),
        pytest.param(b"\xf1\x80\x00\x00\x00\x00", id="reserved bits"),
        pytest.param(framed(Opcode.CONT, b"no beginning"), id="a continuation of nothing"),
    ],
)
async def test_what_breaks_the_protocol_ends_the_stream(hostile: bytes) -> None:
    keeper = Keeper()
    async with serving(keeper) as url, connect(f"{url}/stream") as client:
        await client.send("good")
        await keeper.until(1)
        raw(client, hostile)
        async with asyncio.timeout(5):
            await keeper.over.wait()
            with pytest.raises(ConnectionClosed):
                await client.recv()
    assert keeper.got == [b"good"]


async def test_an_error_in_the_taker_ends_its_stream_and_no_other(caplog: pytest.LogCaptureFixture) -> None:
    def fail(message: bytes) -> None:
        if message == b"bug":
            raise AssertionError("a fault of ours")

    keeper = Keeper(on_message=fail)
    async with serving(keeper) as url:
        async with connect(f"{url}/stream") as client:
            await client.send("bug")
            async with asyncio.timeout(5):
                await keeper.over.wait()
        async with connect(f"{url}/plain") as other:
            await other.send("still here")
            assert await other.recv() == "STILL HERE"


async def test_other_routes_of_the_server_are_as_ever() -> None:
    async with serving(Keeper()) as url, connect(f"{url}/plain") as client:
        await client.send("plain")
        assert await client.recv() == "PLAIN"


async def test_a_peer_that_asks_and_never_reads_is_not_answered_for_ever() -> None:
    keeper = Keeper()
    async with serving(keeper) as url, raw_stream(f"{url}/stream", receive_bytes=4_096) as peer:
        await peer.upgrade()
        peer.stop_reading()
        peer.write(ws_frame(TEXT, b"hello"))
        await keeper.until(1)
        protocol = keeper.stream
        assert isinstance(protocol, StreamProtocol)
        for _ in range(4_000):  # ten megabytes of answers
            peer.write(ws_frame(PING, b"p" * 125) * 20)
            await asyncio.sleep(0)
        async with asyncio.timeout(5):
            while not protocol.blocked:  # noqa: ASYNC110 - a transport wakes nobody
                await asyncio.sleep(0.01)
        assert protocol.transport.get_write_buffer_size() < 4 * WRITE_BUFFER_BYTES


async def test_a_connection_that_is_over_is_cut_when_the_peer_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.stream_protocol.LINGER_S", 0.1)
    keeper = Keeper()
    async with serving(keeper) as url, raw_stream(f"{url}/stream", receive_bytes=4_096) as peer:
        await peer.upgrade()
        peer.stop_reading()
        peer.write(ws_frame(TEXT, b"hello"))
        await keeper.until(1)
        protocol = keeper.stream
        assert isinstance(protocol, StreamProtocol)
        while not protocol.blocked:
            protocol.say("x" * 10_000)
            await asyncio.sleep(0)
        keeper.over.set()
        async with asyncio.timeout(5):
            while not protocol.disconnected:  # noqa: ASYNC110 - the connection's end wakes nobody here
                await asyncio.sleep(0.01)
