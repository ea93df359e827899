"""Uploads go to the store as a stream; what is refused or broken off leaves nothing behind."""

import tracemalloc
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

from crm.imports import files
from crm.imports.files import drop, keep_upload, pieces_from
from crm.imports.shape import SAMPLE_BYTES
from crm.refusals import Refusal

KEY = "imports/a/b.csv"


@pytest.fixture(params=["local", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    return LocalStore(tmp_path, automatic_cleanup=True, mkdir=True) if request.param == "local" else MemoryStore()


async def sent(*pieces: bytes, broken: Exception | None = None) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if broken is not None:
        raise broken


def is_there(store: ObjectStore) -> bool:
    try:
        obstore.head(store, KEY)
    except FileNotFoundError:
        return False
    return True


async def test_what_is_sent_is_kept_and_read_from_any_place(store: ObjectStore) -> None:
    content = bytes(range(48, 58)) * 100_000
    guess, sample = await keep_upload(store, KEY, sent(content[:3], b"", content[3:900_000], content[900_000:]))
    assert (guess.size_bytes, guess.finish()) == (len(content), ("utf-8", 0))
    assert sample == content[: SAMPLE_BYTES + 4]
    for offset in (0, 1, 999_999, 1_000_000, 2_000_000):
        assert b"".join(pieces_from(store, KEY, offset)) == content[offset:]
    await drop(store, KEY)
    await drop(store, KEY)
    assert not is_there(store)


async def test_a_size_bomb_is_refused_on_the_way(store: ObjectStore) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield b"x" * 1_000

    with pytest.raises(Refusal) as refused:
        await keep_upload(store, KEY, endless(), 20_000)
    assert (refused.value.code, refused.value.details) == ("file_too_large", {"max_bytes": 20_000})
    assert taken == 21
    assert not is_there(store)


@pytest.mark.parametrize("broken", [ConnectionResetError("gone"), RuntimeError("client disconnected")])
async def test_an_upload_that_breaks_off_leaves_nothing(store: ObjectStore, broken: Exception) -> None:
    with pytest.raises(Refusal) as refused:
        await keep_upload(store, KEY, sent(b"x" * 6_000_000, broken=broken))
    assert refused.value.code == "upload_broken"
    assert not is_there(store)


async def test_a_store_that_does_not_answer() -> None:
    settings: Any = {"retry_config": {"max_retries": 0, "retry_timeout": timedelta(seconds=1)}, "allow_http": True}
    away = S3Store("b", endpoint="http://127.0.0.1:1", access_key_id="x", secret_access_key="x", region="x", **settings)
    with pytest.raises(Refusal) as refused:
        await keep_upload(away, KEY, sent(b"name\n"))
    assert refused.value.code == "store_away"


async def test_an_upload_takes_no_more_memory_the_longer_it_is(tmp_path: Path) -> None:
    """The store's parts are outside of what Python counts, and bounded by their number; ours are counted here."""
    store = LocalStore(tmp_path)
    piece = b"Ana,ana@example.com\n" * 3_000

    async def peak(many: int) -> int:
        async def long() -> AsyncIterator[bytes]:
            for _ in range(many):
                yield piece

        tracemalloc.reset_peak()
        await keep_upload(store, KEY, long())
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        await peak(50)  # what is made once
        short, long = await peak(200), await peak(800)
    finally:
        tracemalloc.stop()
    # 36 MB more went through.
    assert long - short < 2_000_000
    assert files.AT_ONCE <= 4
