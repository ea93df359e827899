"""Reads objects back out of the store: whole small ones, and recordings only to make sure that they are there."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from hashlib import sha256

from events.sealed_audio import HEAD_BYTES, BadSeal, CallSeal
from media.recording.store import Objects


async def read_whole(objects: Objects, key: str) -> bytes:
    """Return an object's content. Raises StoreUnavailable."""
    async with aclosing(objects.read(key)) as pieces:
        return b"".join([piece async for piece in pieces])


async def holds(objects: Objects, key: str, size_bytes: int, plain_sha256: str, seal: CallSeal | None) -> bool:
    """Say whether the object is of this size and its content, unsealed, of this sum. Raises StoreUnavailable."""
    digest = sha256()
    pieces = objects.read(key) if seal is None else _opened(objects, key, size_bytes, seal)
    try:
        async with aclosing(pieces):
            async for piece in pieces:
                digest.update(piece)
    except BadSeal:
        return False
    return digest.hexdigest() == plain_sha256


async def _opened(objects: Objects, key: str, size_bytes: int, seal: CallSeal) -> AsyncGenerator[bytes, None]:
    """Yield a sealed object's content, chunk by chunk. Raises BadSeal: cut off and too long included."""
    waiting, opener, number = bytearray(), None, 0
    async with aclosing(objects.read(key)) as pieces:
        async for piece in pieces:
            waiting += piece
            if opener is None and len(waiting) >= HEAD_BYTES:
                opener = seal.opener(bytes(waiting[:HEAD_BYTES]), size_bytes)
                del waiting[:HEAD_BYTES]
            while opener is not None and number < opener.chunks:
                start, end = opener.place(number)
                if len(waiting) < end - start:
                    break
                yield opener.open(number, bytes(waiting[: end - start]))
                del waiting[: end - start]
                number += 1
    if opener is None or number < opener.chunks or waiting:
        raise BadSeal("the recording is not of the length that it should have")
