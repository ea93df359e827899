"""A browser's UDP socket: it checks the way to one address until it stands, and keeps it open (RFC 8445, RFC 7675).

The other end is ICE lite and answers. This is the half of ICE that nodes have not: where it leads is known from the
start, so there is one pair to check, and the first answer is as good as any.
"""

import asyncio
import secrets
import struct
from typing import Final, cast

from aioice import stun

from telephony.people.figures import PeopleFigures
from telephony.softphone.ice import Address, is_check
from telephony.softphone.udp_port import Endpoint

HOST: Final = "127.0.0.1"
TRY_EVERY_S: Final = 0.05  # RFC 8445 §14.2: Ta
KEEP_EVERY_S: Final = 2.5  # as browsers do
_PRIORITY: Final = (110 << 24) + (65_535 << 8) + 255  # RFC 8445 §5.1.2.1: what a peer-reflexive candidate would have


class CallingPort(asyncio.DatagramProtocol):
    """One peer connection's. Implements `Port`."""

    def __init__(self) -> None:
        self.name = secrets.token_hex(4)  # RFC 8445 §5.3: 24 bits at least, and 128 of the password
        self.password = secrets.token_hex(16)
        self.answered = asyncio.Event()
        self.figures = PeopleFigures()
        self._transport: asyncio.DatagramTransport | None = None
        self._endpoint: Endpoint | None = None
        self._other: tuple[Address, str, str] | None = None
        self._next: asyncio.TimerHandle | None = None
        self._tie = secrets.randbits(64)

    @property
    def number(self) -> int:
        assert self._transport is not None, "opened"
        return int(self._transport.get_extra_info("sockname")[1])

    def add(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def remove(self, endpoint: Endpoint) -> None:
        if self._endpoint is endpoint:
            self._endpoint = None

    def send(self, data: bytes, to: Address) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(data, to)

    def call(self, address: Address, name: str, password: str) -> None:
        """Check the way to the other end, now and until the port is closed; `answered` says that it stands."""
        self._other = address, name, password
        self._check()

    def close(self) -> None:
        if self._next is not None:
            self._next.cancel()
        if self._transport is not None:
            self._transport.close()

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if is_check(data):
            self._take_answer(data)
        elif self._endpoint is not None and data:
            self._endpoint.datagram(data)

    def _take_answer(self, data: bytes) -> None:
        assert self._other is not None, "nobody knows of this port before it calls"
        try:
            message = stun.parse_message(data)
            right = message.check_message_integrity(self._other[2].encode())
        except (ValueError, struct.error):
            return
        if right and message.message_class == stun.Class.RESPONSE and self._endpoint is not None:
            self._endpoint.checked()
            self.answered.set()

    def _check(self) -> None:
        assert self._other is not None
        address, name, password = self._other
        check = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        check.attributes["USERNAME"] = f"{name}:{self.name}"
        check.attributes["PRIORITY"] = _PRIORITY
        check.attributes["ICE-CONTROLLING"] = self._tie
        check.attributes["USE-CANDIDATE"] = None
        check.add_message_integrity(password.encode())
        self.send(bytes(check), address)
        every_s = KEEP_EVERY_S if self.answered.is_set() else TRY_EVERY_S
        self._next = asyncio.get_running_loop().call_later(every_s, self._check)


async def open_calling_port() -> CallingPort:
    """Take any free port of loopback. Raises OSError."""
    _, port = await asyncio.get_running_loop().create_datagram_endpoint(CallingPort, local_addr=(HOST, 0))
    return port
