"""Frames between the voice process and its workers: MessagePack with its length before it. Sans-I/O.

What each worker's messages are stands in its own file; how they are framed and refused stands here.
"""

from collections.abc import Callable, Iterator
from struct import Struct
from typing import IO, Final, TypeVar

import msgspec

FRAME_BYTES_MAX: Final = 4 * 1024 * 1024  # the phrases of a large playbook; audio comes in far smaller pieces
HEAD: Final = Struct("!I")

_ENCODER: Final = msgspec.msgpack.Encoder()

T = TypeVar("T")


class Unreadable(ValueError):
    """Bytes that are not a frame of this protocol."""


def encode(message: msgspec.Struct) -> bytes:
    """Return the message with its length before it."""
    body = _ENCODER.encode(message)
    return HEAD.pack(len(body)) + body


def body_bytes(head: bytes) -> int:
    """Return the length that the four bytes before a frame announce.

    Raises:
        Unreadable: longer than any frame of ours.
    """
    (size,) = HEAD.unpack(head)
    if size > FRAME_BYTES_MAX:
        raise Unreadable("frame too long")
    return int(size)


def bodies(source: IO[bytes]) -> Iterator[bytes]:
    """Yield each frame's body until the input ends, be it in the middle of one. Blocking: for a worker's own input.

    Raises:
        Unreadable: what comes is no frame.
    """
    while len(head := source.read(HEAD.size)) == HEAD.size:
        size = body_bytes(head)
        body = source.read(size)
        if len(body) < size:
            return
        yield body


def reader(decoder: "msgspec.msgpack.Decoder[T]") -> Callable[[bytes], T]:
    """Return what reads a frame's body as one of the decoder's messages; it raises Unreadable."""

    def read(body: bytes) -> T:
        try:
            return decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise Unreadable(str(error)) from None

    return read
