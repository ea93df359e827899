"""The browser's half of ICE against the node's own half, and against whoever else sends to it."""

import asyncio
import contextlib

from hypothesis import given
from hypothesis import strategies as st

from bench.people.calling_port import HOST, CallingPort, open_calling_port
from telephony.softphone.ice import IceEnd
from telephony.softphone.udp_port import open_udp_port


class End:
    """What a peer is to its port."""

    def __init__(self) -> None:
        self.ice = IceEnd()
        self.checks = 0
        self.got: asyncio.Queue[bytes] = asyncio.Queue()

    def checked(self) -> None:
        self.checks += 1

    def datagram(self, data: bytes) -> None:
        self.got.put_nowait(data)


async def test_a_call_is_answered_and_datagrams_go_both_ways() -> None:
    node, browser = End(), End()
    port, calling = await open_udp_port(HOST, 0), await open_calling_port()
    with contextlib.closing(port), contextlib.closing(calling):
        port.add(node)
        calling.add(browser)
        calling.call((HOST, port.number), node.ice.name, node.ice.password)
        async with asyncio.timeout(5):
            await calling.answered.wait()
            assert node.ice.remote == (HOST, calling.number)
            calling.send(b"\x80to the node", (HOST, port.number))
            assert await node.got.get() == b"\x80to the node"
            port.send(b"\x80to the browser", node.ice.remote)
            assert await browser.got.get() == b"\x80to the browser"
        assert browser.checks


async def test_who_has_another_password_is_not_answered() -> None:
    node = End()
    port, calling = await open_udp_port(HOST, 0), await open_calling_port()
    with contextlib.closing(port), contextlib.closing(calling):
        port.add(node)
        calling.call((HOST, port.number), node.ice.name, "wrong" * 5)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.2):
                await calling.answered.wait()
        assert not calling.answered.is_set()
        assert node.ice.remote is None


@given(st.binary(max_size=60) | st.binary(max_size=40).map(lambda rest: b"\x01\x01" + rest))
def test_whatever_comes_is_no_answer(data: bytes) -> None:
    async def take() -> bool:
        port = CallingPort()
        port.add(End())
        port.call((HOST, 1), "name", "password")
        port.datagram_received(data, (HOST, 1))
        port.close()
        return port.answered.is_set()

    assert not asyncio.run(take())
