"""Recordings: expiring links of our own, and reading ranges out of the object store.

A link is signed by us and not by the store, so that every kind of store works and a recording never leaves
through an address that we do not see.
"""

import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import url2pathname
from uuid import UUID

import jwt
from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore, from_url

from crm.calls.erasure_store import ErasureStore
from crm.calls.model import Call, Erasure
from crm.calls.store import CallStore, DialStore
from crm.calls.summary import CallNotFound
from crm.database import Sessions
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.sealed_audio import SUFFIX

LINK_LIFETIME_S: Final = 600
CHUNK_BYTES: Final = 256 * 1024
STORE_TIMEOUT_S: Final = 10.0
_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "salesos.recording"
_CONTENT_TYPES: Final = {".wav": "audio/wav", ".ogg": "audio/ogg", ".opus": "audio/ogg", ".mp3": "audio/mpeg"}

# What obstore raises: its own errors, and FileNotFoundError for a missing object.
STORE_AWAY: Final = (BaseError, OSError, TimeoutError)


class BadStore(Exception):
    """The store's address means nothing to obstore."""


class RecordingNotFound(Refusal):
    """No such recording, or a link that is expired or altered: which one is not told."""

    def __init__(self) -> None:
        super().__init__("recording_not_found")


class RecordingErased(Refusal):
    """There was one, perhaps; it was erased."""

    def __init__(self, erasure: Erasure) -> None:
        super().__init__("recording_erased", {"reason": erasure.reason, "erased_at": erasure.at.isoformat()})


class RangeNotSatisfiable(Refusal):
    def __init__(self, size_bytes: int) -> None:
        super().__init__("range_not_satisfiable", {"size_bytes": size_bytes})


class StoreAway(Refusal):
    def __init__(self) -> None:
        super().__init__("store_away")


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes `start` to `end` (exclusive) of `size`."""

    start: int
    end: int
    size: int
    partial: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a call's recording lies, and what opens it when it is sealed."""

    key: str
    org_id: UUID
    call_id: UUID
    wrapped_key: str


def open_store(address: str) -> ObjectStore:
    """Return the store at `address`; a `file://` folder is made when missing.

    Raises:
        BadStore
    """
    parts = urlsplit(address)
    try:
        if parts.scheme == "file":
            return LocalStore(Path(url2pathname(parts.path)), mkdir=True)
        return from_url(address)
    except (BaseError, ValueError, OSError) as error:
        raise BadStore(f"store address refused: {type(error).__name__}") from None


async def link_to(call_id: UUID, unit: UnitOfWork, key: str) -> str:
    """Return the path of an expiring link to the call's recording.

    Raises:
        CallNotFound, RecordingNotFound, RecordingErased
    """
    async with unit:
        call = await CallStore(unit).get(call_id)
        await _refuse_erased(call, unit)
    if call is None:
        raise CallNotFound(call_id)
    if call.recording is None:
        raise RecordingNotFound
    claims = {
        "aud": _AUDIENCE,
        "exp": int(time.time()) + LINK_LIFETIME_S,
        "org": str(unit.org_id),
        "call": str(call_id),
    }
    return "/recordings/" + jwt.encode(claims, key, algorithm=_ALGORITHM)


async def kept_under(token: str, sessions: Sessions, key: str) -> Kept:
    """Return where the recording that a link stands for is kept.

    Raises:
        RecordingNotFound, RecordingErased
    """
    try:
        claims = jwt.decode(token, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options={"require": ["exp"]})
        org_id, call_id = UUID(claims["org"]), UUID(claims["call"])
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, AttributeError):
        raise RecordingNotFound from None
    async with UnitOfWork(sessions, org_id) as unit:
        call = await CallStore(unit).get(call_id)
        await _refuse_erased(call, unit)
        wrapped_key = (await DialStore(unit).organisation()).recording_key
    if call is None or call.recording is None:
        raise RecordingNotFound
    return Kept(str(call.recording["key"]), org_id, call_id, wrapped_key)


async def _refuse_erased(call: Call | None, unit: UnitOfWork) -> None:
    if call is not None and call.recording_erased_at is not None:
        erasure = await ErasureStore(unit).get(call.id, "recording")
        assert erasure is not None, "a call is marked together with its erasure"
        raise RecordingErased(erasure)


def content_type_of(key: str) -> str:
    return _CONTENT_TYPES.get(Path(key.removesuffix(SUFFIX)).suffix.lower(), "application/octet-stream")


def span_of(header: str | None, size: int) -> Span:
    """Return what a `Range` header asks for; the whole when it is absent or of a form we need not serve.

    RFC 9110 §14.2: several ranges, other units and malformed ones may be ignored.

    Raises:
        RangeNotSatisfiable: it begins behind the end.
    """
    whole = Span(0, size, size, partial=False)
    if header is None or not header.startswith("bytes=") or "," in header:
        return whole
    first, dash, last = header.removeprefix("bytes=").strip().partition("-")
    if not dash or not (first or last) or not (first + last).isascii() or not (first + last).isdigit():
        return whole
    if not first:
        if int(last) == 0 or size == 0:
            raise RangeNotSatisfiable(size)
        return Span(max(0, size - int(last)), size, size, partial=True)
    start = int(first)
    end = min(size, int(last) + 1) if last else size
    if start >= size:
        raise RangeNotSatisfiable(size)
    return whole if end <= start else Span(start, end, size, partial=True)


async def size_of(store: ObjectStore, key: str) -> int:
    """Return the object's size in bytes.

    Raises:
        RecordingNotFound, StoreAway
    """
    try:
        return int((await store.head_async(key))["size"])
    except FileNotFoundError:
        raise RecordingNotFound from None
    except STORE_AWAY:
        raise StoreAway from None


async def read(store: ObjectStore, key: str, span: Span) -> AsyncGenerator[bytes, None]:
    """Yield the span's bytes; a store that fails on the way ends the answer short of its length."""
    if span.end == span.start:
        return
    result: Any = await store.get_async(key, options={"range": (span.start, span.end)})
    async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
        yield bytes(chunk)
