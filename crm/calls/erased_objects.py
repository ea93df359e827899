"""Removes everything that the object store holds of one call: the recording in each of its forms, and segments.

The keys are those that voice nodes give (`docs/guides/recordings.md`).
"""

import asyncio
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID

import obstore
from obstore.store import ObjectStore

from crm.calls.recordings import STORE_AWAY, STORE_TIMEOUT_S, StoreAway

_FORMS: Final = (".wav", ".ogg", ".wav.sealed", ".ogg.sealed")


async def remove_objects(store: ObjectStore, org_id: UUID, call_id: UUID, known_key: str) -> int:
    """Delete a call's objects, `known_key` among them, and return how many there were.

    Raises:
        StoreAway: some may be left; repeating it is safe.
    """
    prefix = f"recordings/{org_id}/{call_id}"
    keys = dict.fromkeys([*(prefix + form for form in _FORMS), *([known_key] if known_key else [])])
    try:
        async with asyncio.timeout(STORE_TIMEOUT_S):
            found = [*[key for key in keys if await _is_there(store, key)], *await _below(store, prefix)]
            for key in found:
                await _delete(store, key)
    except STORE_AWAY:
        raise StoreAway from None
    return len(found)


async def _is_there(store: ObjectStore, key: str) -> bool:
    try:
        await store.head_async(key)
    except FileNotFoundError:
        return False
    return True


async def _below(store: ObjectStore, prefix: str) -> Sequence[str]:
    listed: Any = await obstore.list(store, prefix).collect_async()
    return [str(item["path"]) for item in listed]


async def _delete(store: ObjectStore, key: str) -> None:
    try:
        await store.delete_async(key)
    except FileNotFoundError:
        return  # somebody was quicker
