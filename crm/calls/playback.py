"""Recordings on their way to a listener: any range, decrypted where they are sealed.

Everything that can be refused is refused before the first byte: what fails on the way can only end short.
"""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import structlog
from obstore.store import ObjectStore

from crm.calls.recordings import STORE_AWAY, Kept, Span, StoreAway, read, size_of
from crm.refusals import Refusal
from events.sealed_audio import CHUNK_BYTES, HEAD_BYTES, SUFFIX, BadKey, BadSeal, CallSeal, MasterKey, Opener

log = structlog.get_logger()


class RecordingLocked(Refusal):
    """It is there and sealed, and our key is missing or does not open it. Nothing is deleted for that."""

    def __init__(self) -> None:
        super().__init__("recording_locked")


@dataclass(frozen=True, slots=True)
class Playback:
    """One recording, ready to be read. `opener` is None when it is not sealed."""

    store: ObjectStore
    key: str
    size_bytes: int  # as listeners see it
    opener: Opener | None

    async def read(self, span: Span) -> AsyncGenerator[bytes, None]:
        """Yield the span's bytes; a store that fails on the way ends the answer short of its length."""
        if self.opener is None:
            async for piece in read(self.store, self.key, span):
                yield piece
            return
        numbers = self.opener.covering(span.start, span.end)
        if not numbers:
            return
        sealed = Span(self.opener.place(numbers[0])[0], self.opener.place(numbers[-1])[1], 0, partial=True)
        waiting, skip, left = bytearray(), span.start - numbers[0] * CHUNK_BYTES, span.end - span.start
        todo = iter(numbers)
        number = next(todo)
        async for piece in read(self.store, self.key, sealed):
            waiting += piece
            while left and len(waiting) >= (size := _size_of(self.opener, number)):
                plain = self.opener.open(number, bytes(waiting[:size]))[skip:][:left]
                del waiting[:size]
                skip, left, number = 0, left - len(plain), next(todo, number)
                yield plain


def _size_of(opener: Opener, number: int) -> int:
    start, end = opener.place(number)
    return end - start


async def open_playback(store: ObjectStore, kept: Kept, master: MasterKey | None) -> Playback:
    """Make sure that a recording can be heard.

    Raises:
        RecordingNotFound, StoreAway, RecordingLocked
    """
    size = await size_of(store, kept.key)
    if not kept.key.endswith(SUFFIX):
        return Playback(store, kept.key, size, None)
    try:
        if master is None:
            raise BadKey("SALESOS_RECORDING_KEY is not set")
        seal = CallSeal(master.unwrap(kept.wrapped_key, kept.org_id), kept.org_id, kept.call_id)
        opener = seal.opener(await _range(store, kept.key, 0, HEAD_BYTES), size)
        # One chunk tells whether the key is the right one.
        opener.open(0, await _range(store, kept.key, *opener.place(0)))
    except (BadKey, BadSeal) as error:
        log.error("recording.locked", call_id=str(kept.call_id), reason=str(error))
        raise RecordingLocked from None
    return Playback(store, kept.key, opener.plain_bytes, opener)


async def _range(store: ObjectStore, key: str, start: int, end: int) -> bytes:
    try:
        found: Any = await store.get_range_async(key, start=start, end=end)
    except STORE_AWAY:
        raise StoreAway from None
    return bytes(found)
