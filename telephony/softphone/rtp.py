"""RTP packets, and what a receiver knows of a stream of them (RFC 3550). Sans-I/O."""

import struct
from dataclasses import dataclass
from typing import Final

CLOCK_HZ: Final = 48_000  # of Opus, whatever it carries (RFC 7587 §4.1)
HEADER_BYTES: Final = 12
_VERSION: Final = 2 << 6
_PADDING: Final = 0x20
_EXTENSION: Final = 0x10
_HEADER: Final = struct.Struct("!BBHII")
_HALF: Final = 1 << 31
# RTCP shares the port: its packet types are what these would be with the marker bit (RFC 5761 §4).
_RTCP_TYPES: Final = range(64, 96)


class BadRtp(ValueError):
    """Not an RTP packet; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Packet:
    payload_type: int
    sequence: int  # 16 bits
    timestamp: int  # 32 bits
    ssrc: int
    payload: bytes


def is_rtcp(data: bytes) -> bool:
    """Whether a packet of RTP's port is RTCP."""
    return len(data) > 1 and data[1] & 0x7F in _RTCP_TYPES


def read(data: bytes) -> Packet:
    """Return the packet in `data`, its header extensions and padding left out. Raises BadRtp."""
    if len(data) < HEADER_BYTES or data[0] & 0xC0 != _VERSION:
        raise BadRtp("too short, or of another version")
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    begin = HEADER_BYTES + (first & 0x0F) * 4
    if first & _EXTENSION:
        if len(data) < begin + 4:
            raise BadRtp("its extension is cut off")
        begin += 4 + int.from_bytes(data[begin + 2 : begin + 4], "big") * 4
    end = len(data)
    if first & _PADDING:
        if not 0 < data[-1] <= end - begin:
            raise BadRtp("its padding is longer than itself")
        end -= data[-1]
    if begin > end:
        raise BadRtp("its header is cut off")
    return Packet(second & 0x7F, sequence, timestamp, ssrc, data[begin:end])


def write(packet: Packet, *, marker: bool = False) -> bytes:
    """Return the packet's bytes, without extensions. `marker`: speech begins here (RFC 7587 §4.2)."""
    second = packet.payload_type | (0x80 if marker else 0)
    return _HEADER.pack(_VERSION, second, packet.sequence, packet.timestamp, packet.ssrc) + packet.payload


class Unwrapped:
    """Timestamps of 32 bits as numbers that go on rising."""

    def __init__(self) -> None:
        self._newest: int | None = None

    def of(self, timestamp: int) -> int:
        if self._newest is None:
            self._newest = timestamp
            return timestamp
        step = (timestamp - self._newest + _HALF) % (1 << 32) - _HALF
        whole = self._newest + step
        self._newest = max(self._newest, whole)
        return whole


class Reception:
    """What came of one source, as a receiver's report tells it (RFC 3550 §6.4.1, A.3, A.8)."""

    def __init__(self, ssrc: int) -> None:
        self.ssrc = ssrc
        self.received = 0
        self.jitter = 0.0  # in units of the clock
        self.highest = 0  # sequence number, with its cycles above the lower 16 bits
        self._first: int | None = None
        self._transit: float | None = None
        self._reported = (0, 0)  # expected and received at the last report

    def arrived(self, packet: Packet, at_s: float) -> None:
        self.received += 1
        if self._first is None:
            self._first = self.highest = packet.sequence
        else:
            ahead = (packet.sequence - self.highest) & 0xFFFF
            if ahead < 1 << 15:
                self.highest += ahead
        transit = at_s * CLOCK_HZ - packet.timestamp
        if self._transit is not None:
            change = abs(transit - self._transit) % (1 << 32)
            self.jitter += (min(change, (1 << 32) - change) - self.jitter) / 16
        self._transit = transit

    @property
    def lost(self) -> int:
        """Packets that never came, so far; below zero where the network repeats."""
        return self._expected - self.received

    def share_lost(self) -> float:
        """Return the share lost since this was last asked."""
        expected, received = self._expected - self._reported[0], self.received - self._reported[1]
        self._reported = (self._expected, self.received)
        return max(0.0, (expected - received) / expected) if expected > 0 else 0.0

    @property
    def _expected(self) -> int:
        return 0 if self._first is None else self.highest - self._first + 1
