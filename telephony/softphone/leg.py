"""A browser's leg: a person's voice from their peer connection to the call's room, and what they hear back to it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from aiortc import RTCCertificate

from media.codec.g711 import Samples
from media.frame import FRAME_MS, RATE_HZ
from media.party import Party
from telephony.softphone import red, rtp
from telephony.softphone.framing import Framer
from telephony.softphone.opus import BIT_RATE, Decoder, Encoder
from telephony.softphone.peer import Peer, Report
from telephony.softphone.red import Gaps
from telephony.softphone.sdp import answer, parse_offer
from telephony.softphone.udp_port import UdpPort

UNHEARD_REPORTS: Final = 3  # seconds without a packet of a microphone that should send
UNHEARING_REPORTS: Final = 10  # seconds in which the browser's reports say that nothing of ours has come


@dataclass(frozen=True, slots=True)
class Exchange:
    """What all legs of a process share: where browsers find it, and its certificate."""

    port: UdpPort
    certificate: RTCCertificate
    addresses: tuple[str, ...]

    @property
    def fingerprint(self) -> tuple[str, str]:
        return fingerprint_of(self.certificate)


def fingerprint_of(certificate: RTCCertificate) -> tuple[str, str]:
    """Return the algorithm's name and the certificate's digest by it, as they stand in an offer or an answer."""
    found = next(item for item in certificate.getFingerprints() if item.algorithm == "sha-256")
    return found.algorithm, found.value


class SoftphoneLeg:
    """One peer connection of one person. Implements `Outlet`. A page that comes back has another leg."""

    rate_hz = RATE_HZ

    def __init__(self, exchange: Exchange, offer: str, on_trouble: Callable[[str, bool], None]) -> None:
        """`on_trouble` is told that one way of the audio does not work, and when it does again.

        Raises:
            BadOffer
        """
        self.party: Party | None = None  # in the room; None: nobody hears them yet
        self.muted = False
        self.sends = False
        self._on_trouble = on_trouble
        self._now: Callable[[], float] = asyncio.get_running_loop().time
        parsed = parse_offer(offer)
        self.sends = parsed.sends
        self._receives = parsed.receives
        self._opus, self._redundant = parsed.payload_type, parsed.redundant
        self._peer = Peer(exchange.port, exchange.certificate, parsed, self.spoke)
        self.answer = answer(parsed, self._peer.local(exchange.addresses, exchange.fingerprint, RATE_HZ, BIT_RATE))
        self._encoder = Encoder()
        self._decoder = Decoder()
        self._gaps = Gaps()
        self._framer: Framer | None = None
        self._ssrc: int | None = None
        self._silent = 0  # reports in a row
        self._highest = -1  # of our packets, that the browser says it has
        self._stuck = 0
        self._sent = False  # since the last report
        self._troubles: set[str] = set()

    async def connect(self) -> None:
        """Raises PeerFailed."""
        await self._peer.connect()

    async def stay(self) -> str:
        """Wait until the browser is gone; return how that was noticed."""
        return await self._peer.stay(self.judge)

    async def aclose(self) -> None:
        self.party = None
        await self._peer.aclose()

    def hear(self, pcm: Samples) -> None:
        if self._receives:
            self._sent = True
            self._peer.send(self._encoder.encode(pcm))

    def spoke(self, packet: rtp.Packet, at_s: float) -> None:
        """Take a packet of the person's that came at `at_s`, the loop's time. Raises BadRed."""
        if self._framer is None or packet.ssrc != self._ssrc:
            # Frames are numbered by the clock, so that those of the next leg follow on those of this one.
            self._framer, self._ssrc = Framer(int(at_s * 1_000) // FRAME_MS), packet.ssrc
            self._decoder, self._gaps = Decoder(), Gaps()
        for timestamp, payload in self._pieces(packet):
            if not self._gaps.wants(timestamp):
                continue
            # Decoded whoever hears it: a decoder must not miss what lies between.
            for number, frame in self._framer.take(timestamp, self._decoder.decode(payload)):
                if self.party is not None and not self.muted:
                    self.party.spoke(number, frame, at_s * 1_000)

    def _pieces(self, packet: rtp.Packet) -> Iterator[tuple[int, bytes]]:
        """Yield what a packet brings, each with its place in time: what was lost before it comes first."""
        if packet.payload_type != self._redundant:
            yield packet.timestamp, packet.payload
            return
        for block in red.read(packet.payload):
            if block.payload_type == self._opus and block.data:
                yield packet.timestamp - block.offset, block.data

    def judge(self, report: Report) -> None:
        """Find out whether one way is dead: nobody notices their own silence."""
        if self.sends:
            self._silent = 0 if report.arrived else self._silent + 1
            self._tell("not_heard", self._silent >= UNHEARD_REPORTS)
        if self._receives and report.heard is not None:
            moved = report.heard.highest != self._highest
            self._highest = report.heard.highest
            # A node with too much to do lets listeners hear nothing for a while: that is not their network.
            self._stuck = 0 if moved or not self._sent else self._stuck + 1
            self._sent = False
            self._tell("hears_nothing", self._stuck >= UNHEARING_REPORTS)

    def _tell(self, trouble: str, there: bool) -> None:
        if there == (trouble in self._troubles):
            return
        (self._troubles.add if there else self._troubles.discard)(trouble)
        self._on_trouble(trouble, there)
