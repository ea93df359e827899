"""One peer connection with a browser: its handshake, its keys, and RTP both ways.

aiortc makes the handshake (DTLS-SRTP, RFC 5764). Media then takes no way through its tasks and queues: a datagram is
decrypted and handed on where it arrives, and sent where it is made, by plain calls.
"""

import asyncio
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import pylibsrtp
import structlog
from aiortc import RTCCertificate, RTCDtlsTransport
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters

from telephony.softphone import rtcp, rtp
from telephony.softphone.ice import IceEnd
from telephony.softphone.red import BadRed
from telephony.softphone.sdp import Local, Offer
from telephony.softphone.udp_port import Port

log = structlog.get_logger()

CONNECT_TIMEOUT_S: Final = 15.0  # a browser that has no way to us gives up after as long
# A browser checks each two and a half to six seconds (RFC 7675 §5.1), and its microphone sends fifty packets a second
# meanwhile, silence included. One of whom nothing at all has come for so long is gone; a page that is left or loaded
# again says so at once.
SENDING_SILENT_S: Final = 7.0
LISTENING_SILENT_S: Final = 13.0
REPORT_EVERY_S: Final = 1.0
HANDSHAKE_QUEUE_MAX: Final = 32  # datagrams; DTLS sends again what is dropped
PACKETS_A_SECOND_MAX: Final = 400  # four times speech in packets of 10 ms: what a stall held up comes through
_STEP: Final = rtp.CLOCK_HZ // 50  # a packet is 20 ms
_HANDSHAKE: Final = range(20, 64)  # the first byte (RFC 7983)
_MEDIA: Final = range(128, 192)


class PeerFailed(Exception):
    """There is no connection; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Pipe:
    """The handshake's datagrams. Stands where aiortc has its own ICE transport; that is all that it asks of one."""

    role = "controlled"
    state = "completed"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._put_out = send
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(HANDSHAKE_QUEUE_MAX)

    def put(self, data: bytes) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(data)

    async def _recv(self) -> bytes:
        return await self._waiting.get()

    async def _send(self, data: bytes) -> None:
        self._put_out(data)


@dataclass(slots=True)
class Report:
    """How the connection did, once a second."""

    arrived: int = 0  # packets of the browser's, since the last report
    heard: rtcp.Heard | None = None  # the newest of what it says of ours


class Peer:
    """Implements `Endpoint`. `on_audio` gets each packet and the loop's time, in the order in which they come."""

    def __init__(
        self,
        port: Port,
        certificate: RTCCertificate,
        offer: Offer,
        on_audio: Callable[[rtp.Packet, float], None],
        name: str = "salesos",
        *,
        begins: bool = False,
    ) -> None:
        """`offer`: the other end's. `begins`: this end begins the handshake, as a browser does and a node does not."""
        self.ice = IceEnd()
        self._port = port
        self._offer = offer
        self._on_audio = on_audio
        self._name = name
        self._now: Callable[[], float] = asyncio.get_running_loop().time
        self._pipe = _Pipe(self._send_datagram)
        self._dtls = RTCDtlsTransport(self._pipe, [certificate])  # type: ignore[arg-type]  # see _Pipe
        # The browser begins: our answer says "passive" (RFC 8842 §5.3).
        self._dtls._set_role("client" if begins else "server")
        self._dtls.on("statechange", self._handshake_moved)
        self._reception: rtp.Reception | None = None
        self._clock: tuple[int, float] | None = None  # the browser's, and when it came
        self._seen_at = self._now()
        self._report = Report()
        self._gone = asyncio.Event()
        self._ssrc = secrets.randbits(32)
        self._sequence = secrets.randbits(15)
        self._timestamp = secrets.randbits(32)
        self._packets = self._payload_bytes = 0

    def local(self, addresses: tuple[str, ...], fingerprint: tuple[str, str], rate_hz: int, bit_rate: int) -> Local:
        """Return our end, for the answer."""
        ice = self.ice
        return Local(ice.name, ice.password, fingerprint, addresses, self._port.number, self._ssrc, rate_hz, bit_rate)

    async def connect(self) -> None:
        """Wait for the browser and shake hands. Raises PeerFailed."""
        self._port.add(self)
        fingerprints = [RTCDtlsFingerprint(algorithm, value) for algorithm, value in self._offer.fingerprints]
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._dtls.start(RTCDtlsParameters(fingerprints))
        except TimeoutError:
            raise PeerFailed("no_way_to_browser" if self.ice.remote is None else "handshake_timeout") from None
        if self._dtls.state != "connected":
            raise PeerFailed("handshake_failed")
        self._seen_at = self._now()

    @property
    def connected(self) -> bool:
        return self._dtls.state == "connected" and not self._gone.is_set()

    async def stay(self, on_report: Callable[[Report], None]) -> str:
        """Report once a second, to the browser and to `on_report`, until it is gone; return how that was noticed."""
        silent_s = SENDING_SILENT_S if self._offer.sends else LISTENING_SILENT_S
        while self.connected:
            try:
                async with asyncio.timeout(REPORT_EVERY_S):
                    await self._gone.wait()
            except TimeoutError:
                pass
            if self._now() - self._seen_at > silent_s:
                return "silent"
            self._tell()
            report, self._report = self._report, Report(heard=self._report.heard)
            on_report(report)
        return "closed"

    def send(self, payload: bytes) -> None:
        """Send 20 ms of Opus; without effect before the handshake and after the end."""
        self._timestamp = (self._timestamp + _STEP) & 0xFFFFFFFF
        if not self._can_send:
            return
        packet = rtp.Packet(self._offer.payload_type, self._sequence, self._timestamp, self._ssrc, payload)
        self._send_datagram(self._dtls._tx_srtp.protect(rtp.write(packet, marker=self._packets == 0)))
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._packets += 1
        self._payload_bytes += len(payload)

    async def aclose(self) -> None:
        """Say goodbye and let go. Safe to call more than once."""
        if self._can_send:
            self._send_datagram(self._dtls._tx_srtp.protect_rtcp(rtcp.goodbye(self._ssrc)))
        self._gone.set()
        try:
            async with asyncio.timeout(1.0):
                await self._dtls.stop()
        except TimeoutError:
            log.warning("peer.close_timeout")
        self._port.remove(self)

    # Endpoint

    def checked(self) -> None:
        self._seen_at = self._now()

    def datagram(self, data: bytes) -> None:
        if data[0] in _HANDSHAKE:
            self._pipe.put(data)
        elif data[0] in _MEDIA and self._dtls._rx_srtp is not None:
            try:
                self._take(data)
            except (pylibsrtp.Error, rtp.BadRtp, rtcp.BadRtcp, BadRed):
                self._port.figures.datagrams_refused += 1
        else:
            self._port.figures.datagrams_refused += 1

    def _handshake_moved(self) -> None:
        if self._dtls.state in ("closed", "failed"):
            self._gone.set()  # a page that is closed or loaded again says so

    @property
    def _can_send(self) -> bool:
        return self.connected and self._dtls._tx_srtp is not None

    def _take(self, data: bytes) -> None:
        now = self._now()
        if self._report.arrived >= PACKETS_A_SECOND_MAX:
            self._port.figures.datagrams_refused += 1
            return
        if rtp.is_rtcp(data):
            self._take_control(self._dtls._rx_srtp.unprotect_rtcp(data), now)
            return
        packet = rtp.read(self._dtls._rx_srtp.unprotect(data))
        if packet.payload_type not in (self._offer.payload_type, self._offer.redundant):
            return
        self._seen_at = now
        if self._reception is None or self._reception.ssrc != packet.ssrc:
            self._reception = rtp.Reception(packet.ssrc)
        self._reception.arrived(packet, now)
        self._report.arrived += 1
        self._on_audio(packet, now)

    def _take_control(self, data: bytes, now: float) -> None:
        told = rtcp.read(data, self._ssrc, time.time())
        if told.heard is not None:
            self._report.heard = told.heard
        if told.clock is not None:
            self._clock = (told.clock, now)
        if told.bye:
            self._gone.set()

    def _tell(self) -> None:
        """Send our report: the browser's encoder needs to know what of its packets is lost."""
        if not self._can_send:
            return
        clock = None if self._clock is None else (self._clock[0], self._now() - self._clock[1])
        sent = rtcp.Sent(self._ssrc, self._timestamp, self._packets, self._payload_bytes)
        packet = rtcp.write(sent, self._reception, clock, time.time(), self._name)
        self._send_datagram(self._dtls._tx_srtp.protect_rtcp(packet))

    def _send_datagram(self, data: bytes) -> None:
        if self.ice.remote is not None:
            self._port.send(data, self.ice.remote)
