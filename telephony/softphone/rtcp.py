"""RTCP, as much as two ends of a voice call need: how what one sends arrives at the other (RFC 3550 §6.4). Sans-I/O."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from telephony.softphone.rtp import Reception

SENDER_REPORT: Final = 200
RECEIVER_REPORT: Final = 201
SDES: Final = 202
BYE: Final = 203
_NTP_EPOCH_S: Final = 2_208_988_800  # from 1900 to 1970
_BLOCK: Final = struct.Struct("!IIIIII")
_LOST_MAX: Final = (1 << 23) - 1


@dataclass(frozen=True, slots=True)
class Heard:
    """What the peer says of our stream."""

    share_lost: float  # since its last report
    highest: int  # sequence number, extended
    jitter: int  # in units of the clock
    round_trip_s: float | None  # None: it has had no report of ours yet


@dataclass(frozen=True, slots=True)
class Told:
    """What one compound packet of the peer's says."""

    heard: Heard | None = None
    clock: int | None = None  # the middle of its sender's report's NTP time: given back as proof of having it
    bye: bool = False


class BadRtcp(ValueError):
    """Not RTCP; the message says what is wrong with it."""


def read(data: bytes, our_ssrc: int, wall_s: float) -> Told:
    """Return what a compound packet says to the sender of `our_ssrc`. Raises BadRtcp.

    Args:
        wall_s: the time by the clock that `write` was given, for the round trip.
    """
    heard: Heard | None = None
    clock: int | None = None
    bye = False
    for kind, count, body in _packets(data):
        if kind == SENDER_REPORT and len(body) >= 24:
            clock = int.from_bytes(body[6:10], "big")
            heard = _of_ours(body[24:], count, our_ssrc, wall_s) or heard
        elif kind == RECEIVER_REPORT and len(body) >= 4:
            heard = _of_ours(body[4:], count, our_ssrc, wall_s) or heard
        elif kind == BYE:
            bye = True
    return Told(heard, clock, bye)


@dataclass(frozen=True, slots=True)
class Sent:
    """What we have sent so far."""

    ssrc: int
    timestamp: int  # of the newest packet
    packets: int
    payload_bytes: int


def write(sent: Sent, reception: Reception | None, clock: tuple[int, float] | None, wall_s: float, name: str) -> bytes:
    """Return a compound packet: our sender's report with what we have received, and our name.

    Args:
        clock: the peer's, and how many seconds ago it came; None before its first report.
        wall_s: Unix time.
    """
    block = b""
    if reception is not None:
        share, lost = reception.share_lost(), min(max(reception.lost, -_LOST_MAX), _LOST_MAX)
        last, delay = (0, 0) if clock is None else (clock[0], int(clock[1] * 65_536) & 0xFFFFFFFF)
        first = min(255, int(share * 256)) << 24 | lost & 0xFFFFFF
        highest = reception.highest & 0xFFFFFFFF
        block = _BLOCK.pack(reception.ssrc, first, highest, int(reception.jitter) & 0xFFFFFFFF, last, delay)
    counts = sent.timestamp, sent.packets & 0xFFFFFFFF, sent.payload_bytes & 0xFFFFFFFF
    report = struct.pack("!IQIII", sent.ssrc, _ntp(wall_s), *counts) + block
    item = b"\x01" + bytes([len(name.encode())]) + name.encode()
    chunk = sent.ssrc.to_bytes(4, "big") + item
    chunk += bytes(4 - len(chunk) % 4)  # ends with a null item, to a word's boundary
    return _packet(SENDER_REPORT, int(bool(block)), report) + _packet(SDES, 1, chunk)


def goodbye(ssrc: int) -> bytes:
    """Return what ends a stream, with the empty report that every compound packet begins with."""
    source = ssrc.to_bytes(4, "big")
    return _packet(RECEIVER_REPORT, 0, source) + _packet(BYE, 1, source)


def _packets(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Yield type, count and body of each packet of a compound one."""
    at = 0
    while at < len(data):
        if len(data) - at < 4 or data[at] & 0xC0 != 0x80:
            raise BadRtcp("cut off, or of another version")
        end = at + 4 + int.from_bytes(data[at + 2 : at + 4], "big") * 4
        if end > len(data):
            raise BadRtcp("shorter than it says")
        yield data[at + 1], data[at] & 0x1F, data[at + 4 : end]
        at = end


def _of_ours(blocks: bytes, count: int, our_ssrc: int, wall_s: float) -> Heard | None:
    for place in range(min(count, len(blocks) // _BLOCK.size)):
        ssrc, first, highest, jitter, last, delay = _BLOCK.unpack_from(blocks, place * _BLOCK.size)
        if ssrc == our_ssrc:
            trip = ((_ntp(wall_s) >> 16) - last - delay) & 0xFFFFFFFF if last else None
            seconds = None if trip is None or trip >= 1 << 31 else trip / 65_536
            return Heard((first >> 24) / 256, highest, jitter, seconds)
    return None


def _ntp(wall_s: float) -> int:
    return int((wall_s + _NTP_EPOCH_S) * (1 << 32)) & 0xFFFFFFFFFFFFFFFF


def _packet(kind: int, count: int, body: bytes) -> bytes:
    return bytes([0x80 | count, kind]) + (len(body) // 4).to_bytes(2, "big") + body
