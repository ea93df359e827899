"""Uploaded files in the object store: in as a stream, out in pieces from any place."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterator
from typing import Any, Final
from uuid import UUID

import obstore
from obstore.exceptions import BaseError
from obstore.store import ObjectStore

from crm.imports.encodings import EncodingGuess
from crm.imports.shape import SAMPLE_BYTES
from crm.refusals import Refusal

UPLOAD_BYTES_MAX: Final = 4 * 1024**3
# A client that says nothing for so long is gone.
PIECE_S: Final = 30.0
UPLOAD_S: Final = 2 * 3_600.0
STORE_S: Final = 30.0
READ_BYTES: Final = 256 * 1024
# Parts of 5 MB, and two of them on their way.
AT_ONCE: Final = 2

# What obstore raises: its own errors, and FileNotFoundError for a missing object.
STORE_AWAY: Final = (BaseError, OSError, TimeoutError)


class UploadBroken(Refusal):
    def __init__(self) -> None:
        super().__init__("upload_broken")


class _Watched:
    """The client's bytes on their way to the store: counted, looked at, and bounded."""

    def __init__(self, pieces: AsyncIterable[bytes], most: int) -> None:
        self._pieces = pieces
        self._most = most
        self.guess = EncodingGuess()
        self.sample = bytearray()
        self.refusal: Refusal | None = None

    async def read(self) -> AsyncGenerator[bytes, None]:
        pieces = aiter(self._pieces)
        while True:
            try:
                async with asyncio.timeout(PIECE_S):
                    piece = await anext(pieces)
            except StopAsyncIteration:
                return
            except Exception:
                # Whatever the server makes of a client that went away.
                self.refusal = UploadBroken()
                raise
            self.guess.feed(piece)
            if self.guess.size_bytes > self._most:
                self.refusal = Refusal("file_too_large", {"max_bytes": self._most})
                raise self.refusal
            if len(self.sample) <= SAMPLE_BYTES:
                # One more than is looked at, so that it is known whether more follows.
                self.sample += piece[: SAMPLE_BYTES + 4 - len(self.sample)]
            if piece:
                yield piece


def key_of(org_id: UUID, import_id: UUID) -> str:
    return f"imports/{org_id}/{import_id}.csv"


async def keep_upload(
    store: ObjectStore, key: str, pieces: AsyncIterable[bytes], most: int = UPLOAD_BYTES_MAX
) -> tuple[EncodingGuess, bytes]:
    """Write a client's bytes to the store; return what was learned of them, and the first SAMPLE_BYTES and a few.

    Nothing is kept of an upload that is refused or broken off. Memory holds a few parts, however long it is.

    Raises:
        Refusal: `file_too_large`, `upload_broken` or `store_away`.
    """
    watched = _Watched(pieces, most)
    try:
        async with asyncio.timeout(UPLOAD_S):
            await obstore.put_async(store, key, watched.read(), max_concurrency=AT_ONCE)
    except Exception as error:
        if watched.refusal is not None:
            raise watched.refusal from None
        if isinstance(error, STORE_AWAY):
            raise Refusal("store_away") from None
        raise
    return watched.guess, bytes(watched.sample)


def pieces_from(store: ObjectStore, key: str, offset: int) -> Iterator[bytes]:
    """Yield the object's bytes from a place on. Blocks: for a thread; the store's own time-outs bound each step.

    Raises:
        FileNotFoundError
        BaseError, OSError: the store is away.
    """
    size = int(obstore.head(store, key)["size"])
    if offset >= size:
        return
    found: Any = obstore.get(store, key, options={"range": (offset, size)})
    for piece in found.stream(min_chunk_size=READ_BYTES):
        yield bytes(piece)


async def drop(store: ObjectStore, key: str) -> None:
    """Delete the object, if it is there.

    Raises:
        BaseError, OSError, TimeoutError: the store is away.
    """
    try:
        async with asyncio.timeout(STORE_S):
            await obstore.delete_async(store, key)
    except FileNotFoundError:
        return
