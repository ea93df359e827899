"""Redundant audio (RFC 2198): a packet brings what the one before it brought, so that one may be lost. Sans-I/O.

Browsers that can send it do so when the answer names it first. A single loss then costs nothing; the price is twice
the bits from a browser, where there are plenty.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

BLOCKS_MAX: Final = 8
_KNOWN_MAX: Final = 32  # packets that are remembered: more than a redundant block is ever late


class BadRed(ValueError):
    """Not a redundant payload; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Block:
    payload_type: int
    offset: int  # how much older than the packet's timestamp it is
    data: bytes


def read(payload: bytes) -> list[Block]:
    """Return what a payload brings, the oldest first and its own last. Raises BadRed."""
    headers: list[tuple[int, int, int]] = []
    at = 0
    while True:
        if at >= len(payload) or len(headers) > BLOCKS_MAX:
            raise BadRed("its headers do not end")
        if not payload[at] & 0x80:
            break
        if len(payload) < at + 4:
            raise BadRed("a header is cut off")
        rest = int.from_bytes(payload[at + 1 : at + 4], "big")
        headers.append((payload[at] & 0x7F, rest >> 10, rest & 0x3FF))
        at += 4
    own = payload[at] & 0x7F
    at += 1
    blocks = []
    for payload_type, offset, length in headers:
        if at + length > len(payload):
            raise BadRed("a block is longer than the packet")
        blocks.append(Block(payload_type, offset, payload[at : at + length]))
        at += length
    return [*blocks, Block(own, 0, payload[at:])]


class Gaps:
    """Which of a stream's packets have come, by their timestamps: each is wanted once."""

    def __init__(self) -> None:
        self._known: deque[int] = deque(maxlen=_KNOWN_MAX)

    def wants(self, timestamp: int) -> bool:
        """Say whether that is news, and remember that it has come."""
        timestamp &= 0xFFFFFFFF
        if timestamp in self._known:
            return False
        self._known.append(timestamp)
        return True
