"""A spool to one WAV object in the store: local folder, S3, GCS or Azure by address (obstore).

The key is the call's own, so a repeated upload replaces the object by the same one and never doubles it.
"""

import asyncio
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.store import LocalStore, ObjectStore, from_url

if TYPE_CHECKING:
    from obstore.store import RetryConfig  # a name for type checkers alone

from media.recording.join import wav_bytes, wav_pieces
from media.recording.spool import Spool

_PART_BYTES: Final = 8 * 1024 * 1024
_UPLOAD_TIMEOUT_S: Final = 60.0
# Within one attempt; the archive makes further ones, and the sweep after those.
_RETRY: "Final[RetryConfig]" = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}


class StoreUnavailable(Exception):
    """The object store refused, is away or did not answer in time; the spool is still there."""


@dataclass(frozen=True, slots=True)
class Stored:
    uri: str
    key: str
    channels: int
    duration_s: float
    size_bytes: int
    sha256: str


def open_store(address: str) -> ObjectStore:
    """Return the store at `address`; a `file://` folder is made when missing.

    Raises:
        StoreUnavailable: the address means nothing to obstore.
    """
    parts = urlsplit(address)
    try:
        if parts.scheme == "file":
            return LocalStore(Path(url2pathname(parts.path)), mkdir=True)
        return from_url(address, retry_config=_RETRY)
    except (obstore.exceptions.BaseError, ValueError) as error:
        raise StoreUnavailable(f"store address refused: {type(error).__name__}") from error


def object_key(spool: Spool) -> str:
    return f"recordings/{spool.meta.org_id}/{spool.meta.call_id}.wav"


async def upload(spool: Spool, store: ObjectStore, address: str) -> Stored:
    """Write the spool's samples as a WAV object.

    Raises:
        StoreUnavailable: nothing is removed; try again later.
    """
    extent = await asyncio.to_thread(spool.extent)
    digest = hashlib.sha256()
    key = object_key(spool)

    def pieces() -> Iterator[bytes]:
        for piece in wav_pieces(spool.blocks(), extent):
            digest.update(piece)
            yield piece

    try:
        async with asyncio.timeout(_UPLOAD_TIMEOUT_S):
            await obstore.put_async(store, key, pieces(), chunk_size=_PART_BYTES)
    except (obstore.exceptions.BaseError, TimeoutError, OSError) as error:
        raise StoreUnavailable(type(error).__name__) from error
    return Stored(
        uri=f"{address.rstrip('/')}/{key}",
        key=key,
        channels=extent.channels,
        duration_s=extent.duration_s,
        size_bytes=wav_bytes(extent),
        sha256=digest.hexdigest(),
    )
