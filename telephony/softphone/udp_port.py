"""The node's one UDP port for browsers: all legs share it, told apart by who has proved to be where.

One port is all that a firewall, a container or a NAT has to let through. A datagram is handed on by a plain call, so
nothing waits in a queue here; what the kernel has no room for is lost, and concealed as any loss.
"""

import asyncio
import socket
from functools import partial
from typing import Final, Protocol, cast

import structlog

from telephony.people.figures import PeopleFigures
from telephony.softphone.ice import Address, IceEnd, answer, is_check

log = structlog.get_logger()

# Two hundred legs bring ten thousand datagrams a second: some 100 ms of them fit while the loop is busy.
RECEIVE_BUFFER_BYTES: Final = 1 << 20
DATAGRAM_BYTES_MAX: Final = 1_500  # a browser's are smaller, and libsrtp takes no larger ones


class Endpoint(Protocol):
    """One peer connection."""

    @property
    def ice(self) -> IceEnd: ...

    def checked(self) -> None:
        """The browser is there: a check of its was right."""

    def datagram(self, data: bytes) -> None:
        """Take a datagram of this browser's, DTLS or SRTP."""


class Port(Protocol):
    """What an endpoint is reached at and sends by."""

    @property
    def number(self) -> int: ...

    @property
    def figures(self) -> PeopleFigures: ...

    def add(self, endpoint: Endpoint) -> None: ...

    def remove(self, endpoint: Endpoint) -> None: ...

    def send(self, data: bytes, to: Address) -> None: ...


class UdpPort(asyncio.DatagramProtocol):
    """Opened once for the process by `open_udp_port`."""

    def __init__(self, figures: PeopleFigures) -> None:
        self.figures = figures
        self._transport: asyncio.DatagramTransport | None = None
        self._by_name: dict[str, Endpoint] = {}
        self._by_source: dict[Address, Endpoint] = {}

    @property
    def number(self) -> int:
        assert self._transport is not None, "opened"
        return int(self._transport.get_extra_info("sockname")[1])

    def add(self, endpoint: Endpoint) -> None:
        self._by_name[endpoint.ice.name] = endpoint

    def remove(self, endpoint: Endpoint) -> None:
        self._by_name.pop(endpoint.ice.name, None)
        for source in endpoint.ice.sources:
            if self._by_source.get(source) is endpoint:
                del self._by_source[source]

    def send(self, data: bytes, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, to)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)
        own: socket.socket = transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        source = addr[:2]  # an IPv6 address brings its scope along
        if is_check(data):
            self._check(data, source)
            return
        endpoint = self._by_source.get(source)
        if endpoint is None or len(data) > DATAGRAM_BYTES_MAX:
            self.figures.datagrams_refused += 1
        else:
            endpoint.datagram(data)

    def error_received(self, exc: Exception) -> None:
        # The other end's port is closed: its checks stop too, and that is what is noticed.
        log.debug("udp.error", error=type(exc).__name__)

    def _check(self, data: bytes, source: Address) -> None:
        checked = answer(data, source, self._ice_of) if len(data) <= DATAGRAM_BYTES_MAX else None
        if checked is None:
            self.figures.datagrams_refused += 1
            return
        endpoint = self._by_name[checked.end.name]
        if checked.forgotten is not None and self._by_source.get(checked.forgotten) is endpoint:
            del self._by_source[checked.forgotten]
        self._by_source[source] = endpoint
        self.send(checked.reply, source)
        endpoint.checked()

    def _ice_of(self, name: str) -> IceEnd | None:
        endpoint = self._by_name.get(name)
        return endpoint.ice if endpoint is not None else None


async def open_udp_port(host: str, port: int, figures: PeopleFigures | None = None) -> UdpPort:
    """Listen on `port` of `host`, 0 for any free one. Raises OSError: it is taken."""
    loop = asyncio.get_running_loop()
    made = partial(UdpPort, figures or PeopleFigures())
    _, protocol = await loop.create_datagram_endpoint(made, local_addr=(host, port))
    return protocol
