"""The object store as recordings use it: local folder, S3, GCS or Azure by address (obstore).

Every operation has a timeout and one kind of error, which says whether the store is away or refuses.
"""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit
from urllib.request import url2pathname

import obstore
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import LocalStore, ObjectStore, from_url

if TYPE_CHECKING:
    from obstore.store import RetryConfig  # a name for type checkers alone

SHORT_TIMEOUT_S: Final = 15.0  # for what has no body
SLOWEST_BYTES_S: Final = 250_000  # a store that takes less is away: 2 Mbit/s, 30 running calls' worth
# The least that S3 takes. The client gives up on one request after 30 s: 21 s at the slowest.
_PART_BYTES: Final = 5 * 1024 * 1024
_READ_BYTES: Final = 256 * 1024
# Within one operation; the uploader makes further ones.
_RETRY: "Final[RetryConfig]" = {"max_retries": 1, "retry_timeout": timedelta(seconds=10)}
_FAULTS: Final = (BaseError, OSError, TimeoutError)
T = TypeVar("T")


AWAY: Final = "store_unavailable"
REFUSED: Final = "store_refused"


class StoreUnavailable(Exception):
    """Nothing was removed; try again later. `reason` is AWAY, REFUSED, or why this one call cannot be stored."""

    def __init__(self, detail: str, reason: str = AWAY) -> None:
        super().__init__(detail)
        self.reason = reason

    @property
    def of_this_call(self) -> bool:
        return self.reason not in (AWAY, REFUSED)


class Objects(Protocol):
    """What recordings need of a store. Every method raises StoreUnavailable."""

    async def put(self, key: str, body: bytes | Iterator[bytes], size_bytes: int) -> None:
        """Write an object of about that size: whole or not at all, over one that is there."""
        ...

    async def size(self, key: str) -> int | None:
        """Return an object's size; None when there is none."""
        ...

    def read(self, key: str) -> AsyncGenerator[bytes, None]:
        """Yield an object's content in pieces."""
        ...

    async def names(self, prefix: str) -> list[str]:
        """Return the keys below a prefix, which ends at a slash, in order."""
        ...

    async def delete(self, keys: list[str]) -> None:
        """Delete objects; those that are not there count as deleted."""
        ...


class Bucket:
    """Objects in a real store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def put(self, key: str, body: bytes | Iterator[bytes], size_bytes: int) -> None:
        limit_s = SHORT_TIMEOUT_S + size_bytes / SLOWEST_BYTES_S
        await _within(limit_s, obstore.put_async(self._store, key, body, chunk_size=_PART_BYTES))

    async def size(self, key: str) -> int | None:
        try:
            found = await _within(SHORT_TIMEOUT_S, obstore.head_async(self._store, key))
        except FileNotFoundError:
            return None
        return int(found["size"])

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        try:
            result = await _within(SHORT_TIMEOUT_S, obstore.get_async(self._store, key))
        except FileNotFoundError as error:
            raise StoreUnavailable("object missing") from error
        pieces = result.stream(min_chunk_size=_READ_BYTES).__aiter__()
        while True:
            try:
                piece = await _within(SHORT_TIMEOUT_S, pieces.__anext__())
            except StopAsyncIteration:
                return
            yield bytes(piece)

    async def names(self, prefix: str) -> list[str]:
        listed = await _within(SHORT_TIMEOUT_S, obstore.list(self._store, prefix.rstrip("/")).collect_async())
        return sorted(str(item["path"]) for item in listed if str(item["path"]).startswith(prefix))

    async def delete(self, keys: list[str]) -> None:
        for key in keys:
            try:
                await _within(SHORT_TIMEOUT_S, obstore.delete_async(self._store, key))
            except FileNotFoundError:
                continue


def open_store(address: str) -> Bucket:
    """Return the store at `address`; a `file://` folder is made when missing.

    Raises:
        StoreUnavailable: the address means nothing to obstore.
    """
    parts = urlsplit(address)
    try:
        if parts.scheme == "file":
            return Bucket(LocalStore(Path(url2pathname(parts.path)), automatic_cleanup=True, mkdir=True))
        return Bucket(from_url(address, retry_config=_RETRY))
    except (BaseError, ValueError, OSError) as error:
        raise StoreUnavailable(f"store address refused: {type(error).__name__}") from error


async def _within(timeout_s: float, work: Coroutine[Any, Any, T]) -> T:
    try:
        async with asyncio.timeout(timeout_s):
            return await work
    except FileNotFoundError:
        raise
    except (PermissionDeniedError, UnauthenticatedError, PermissionError) as error:
        raise StoreUnavailable(type(error).__name__, REFUSED) from error
    except _FAULTS as error:
        raise StoreUnavailable(type(error).__name__) from error
