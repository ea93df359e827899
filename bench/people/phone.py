"""A person's softphone as thin as it can be: Opus, SRTP and its own half of ICE, and no buffer of any kind.

What it hears it hears when the packet comes. A browser holds sound back against the network's jitter, and aiortc's
own receiver 60 ms and more; that would be most of what is measured, and none of it is ours. The parts are the node's
own, which end to end tests hold against whole browsers.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from aiortc import RTCCertificate

from bench.people.calling_port import HOST, CallingPort, open_calling_port
from bench.people.sounds import Ear, Mouth
from media.frame import RATE_HZ
from telephony.softphone import rtp
from telephony.softphone.ice import Address
from telephony.softphone.leg import fingerprint_of
from telephony.softphone.opus import BIT_RATE, Decoder, Encoder
from telephony.softphone.peer import Peer
from telephony.softphone.sdp import Offer, answer, parse_offer
from telephony.softphone.udp_port import Port, UdpPort

PAYLOAD_TYPE: Final = 111  # as browsers number Opus
_PROTOCOL: Final = "UDP/TLS/RTP/SAVPF"


class BadAnswer(ValueError):
    """The other end's answer holds not what a connection takes."""


@dataclass(frozen=True, slots=True)
class There:
    """Where the other end is, as its answer says."""

    address: Address
    name: str
    password: str
    fingerprint: tuple[str, str]


def offer(name: str, password: str, fingerprint: tuple[str, str]) -> str:
    """Return a browser's offer of one voice, both ways."""
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        f"m=audio 9 {_PROTOCOL} {PAYLOAD_TYPE}",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=sendrecv",
        "a=rtcp-mux",
        f"a=rtpmap:{PAYLOAD_TYPE} opus/48000/2",
        f"a=ice-ufrag:{name}",
        f"a=ice-pwd:{password}",
        f"a=fingerprint:{fingerprint[0]} {fingerprint[1]}",
        "a=setup:actpass",
    ]
    return "\r\n".join(lines) + "\r\n"


def read_answer(sdp: str) -> There:
    """Raises BadAnswer."""
    values: dict[str, str] = {}
    for line in sdp.splitlines():
        name, _, value = line.partition(":")
        values.setdefault(name, value)
    try:
        candidate = values["a=candidate"].split()
        algorithm, _, digest = values["a=fingerprint"].partition(" ")
        there = (candidate[4], int(candidate[5]))
        return There(there, values["a=ice-ufrag"], values["a=ice-pwd"], (algorithm, digest))
    except (KeyError, IndexError, ValueError) as error:
        raise BadAnswer(f"the answer of the other end cannot be used: {error}") from None


class Phone:
    """One connection. Implements the pacer's `Ticked`; it speaks once it is connected and paced."""

    def __init__(self, mouth: Mouth, ear: Ear) -> None:
        self.packets = 0  # that came
        self.peer: Peer | None = None
        self._mouth = mouth
        self._ear = ear
        self._encoder = Encoder()
        self._decoder = Decoder()

    def tick(self, now: float) -> None:
        sound = self._encoder.encode(self._mouth(now))
        if self.peer is not None:
            self.peer.send(sound)

    def take(self, packet: rtp.Packet, _at_s: float) -> None:
        # Not the loop's time, which uvloop counts in whole milliseconds.
        at_s = time.monotonic()
        self.packets += 1
        self._ear(self._decoder.decode(packet.payload), at_s)

    async def aclose(self) -> None:
        if self.peer is not None:
            await self.peer.aclose()


class CallingPhone:
    """A phone that calls a node. Opened by `calling`; the group keeps the connection's reports going."""

    def __init__(self, phone: Phone, port: CallingPort, certificate: RTCCertificate, tasks: asyncio.TaskGroup) -> None:
        self.phone = phone
        self._port = port
        self._certificate = certificate
        self._tasks = tasks

    @property
    def offer(self) -> str:
        return offer(self._port.name, self._port.password, fingerprint_of(self._certificate))

    async def connect(self, answered: str) -> None:
        """Connect by the answer to the offer.

        Raises:
            BadAnswer
            PeerFailed: there is no way, or no handshake.
        """
        there = read_answer(answered)
        peer = self.phone.peer = _peer(self._port, self._certificate, there.fingerprint, self.phone, begins=True)
        peer.ice.remote = there.address
        self._port.call(there.address, there.name, there.password)
        await peer.connect()
        self._tasks.create_task(peer.stay(lambda _: None), name="bench.phone")

    async def aclose(self) -> None:
        """Hang up."""
        await self.phone.aclose()
        self._port.close()


async def calling(phone: Phone, certificate: RTCCertificate, tasks: asyncio.TaskGroup) -> CallingPhone:
    """Open a phone's socket. Raises OSError."""
    return CallingPhone(phone, await open_calling_port(), certificate, tasks)


async def connect_directly(calls: CallingPhone, is_called: Phone, port: UdpPort) -> None:
    """Connect two phones with nothing between them; `port` is the second one's.

    Raises:
        BadAnswer, PeerFailed
    """
    certificate = RTCCertificate.generateCertificate()
    asked = parse_offer(calls.offer)
    peer = is_called.peer = _peer(port, certificate, asked.fingerprints[0], is_called, begins=False)
    answered = answer(asked, peer.local((HOST,), fingerprint_of(certificate), RATE_HZ, BIT_RATE))
    async with asyncio.TaskGroup() as both:
        both.create_task(peer.connect(), name="bench.answer")
        await calls.connect(answered)


def _peer(port: Port, certificate: RTCCertificate, fingerprint: tuple[str, str], phone: Phone, *, begins: bool) -> Peer:
    other = Offer((("audio", _PROTOCOL, "0"),), 0, PAYLOAD_TYPE, True, True, (fingerprint,), "")
    return Peer(port, certificate, other, phone.take, "phone", begins=begins)
