"""An uploader whose process is killed between any two steps, and what the next start makes of it."""

import contextlib
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Any

import pytest

from events.sealed_audio import new_key
from media.recording import segments
from media.recording.read_back import read_whole
from media.recording.spool import Spool, SpoolMeta, leftovers
from media.recording.store import Bucket, Objects, open_store
from tests.media.uploading import (
    MASTER,
    NODE,
    audio_of,
    running,
    sealed_meta,
    spooled,
    until,
    uploader,
)
from tests.s3_server import S3Server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # moto's own dependencies


class Killed(BaseException):
    """The process is gone: nothing catches this."""


class KilledAt:
    """A store under a process that is killed just before, or just after, its nth operation."""

    def __init__(self, inner: Bucket, step: int, *, after: bool) -> None:
        self._inner = inner
        self._left = step
        self._after = after

    @contextlib.contextmanager
    def _step(self) -> Iterator[None]:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        yield
        if self._left == 0:
            raise Killed

    async def put(self, key: str, body: bytes | Iterator[bytes], size_bytes: int) -> None:
        with self._step():
            await self._inner.put(key, body, size_bytes)

    async def size(self, key: str) -> int | None:
        with self._step():
            return await self._inner.size(key)

    async def read(self, key: str) -> AsyncGenerator[bytes, None]:
        with self._step():
            async for piece in self._inner.read(key):
                yield piece

    async def names(self, prefix: str) -> list[str]:
        with self._step():
            return await self._inner.names(prefix)

    async def delete(self, keys: list[str]) -> None:
        for key in keys:
            with self._step():
                await self._inner.delete([key])


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("disk_lost", [False, True], ids=["disk kept", "disk lost"])
@pytest.mark.parametrize("sealed", [False, True], ids=["open", "sealed"])
async def test_killed_between_any_two_steps_it_is_made_whole(
    s3: S3Server, sealed: bool, disk_lost: bool, tmp_path: Path
) -> None:
    killed, steps = True, 0
    while killed:
        steps += 1
        assert steps < 60, "a life has so many steps"
        for after in (False, True):
            folder = tmp_path / f"{steps}.{after}"
            spool = spooled(folder, 5, sealed_meta(new_key()) if sealed else None)
            wanted, bucket = audio_of(spool), open_store(s3.address)
            killed = await _live_until_killed(KilledAt(bucket, steps, after=after), spool)
            if disk_lost:
                spool.remove()
            await _next_start(bucket, folder, spool.meta, wanted, disk_lost=disk_lost)
    assert steps > 12, "pointer, two segments, two manifests, the recording, reading it, deleting all"
    recordings = [count for key, count in s3.puts().items() if key.endswith((".wav", ".wav.sealed"))]
    assert recordings
    assert set(recordings) == {1}, "what was in the store already was not uploaded again"
    assert not [key for key in s3.puts() if ".seg" in key and s3.puts()[key] > 1]


async def _live_until_killed(objects: Objects, spool: Spool) -> bool:
    part = uploader(objects, MASTER)
    survived = False
    try:
        async with running(part):
            part.begin(spool)
            await until(lambda: part.segments == 2)
            await part.finish(spool)
        spool.remove()
        survived = True
    except* Killed:
        pass
    return not survived


async def _next_start(bucket: Bucket, folder: Path, meta: SpoolMeta, wanted: bytes, *, disk_lost: bool) -> None:
    """What a node does at its start, and what must be true after it."""
    part = uploader(bucket, MASTER)
    found = await part.restore_lost(folder / "spool", lambda call_id: False)
    for spool in leftovers(folder / "spool"):
        await part.finish(spool)
        spool.remove()
    for lost in found:
        if lost.stored is not None:
            await part.remove_segments(meta)
    names = await bucket.names(f"recordings/{meta.org_id}/")
    key = segments.recording_key(meta)
    assert await bucket.names(f"unfinished/{NODE}/") == []
    assert names == ([key] if names or not disk_lost else []), "segments and manifest are gone"
    if names:
        raw = await read_whole(bucket, key)
        seal = part.seal_of(meta)
        audio = raw if seal is None else seal.open_all(raw)
        assert audio == wanted or (disk_lost and wanted[44:].startswith(audio[44:]))


@pytest.mark.usefixtures("short_segments")
async def test_killed_while_a_lost_disk_is_made_good_it_is_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = open_store((tmp_path / "store").as_uri())
    part, spool = uploader(bucket), spooled(tmp_path, 5)
    async with running(part):
        part.begin(spool)
        await until(lambda: part.segments == 2)
    spool.remove()

    def killed(self: Path, target: Any) -> Path:
        raise OSError(5, "killed before the rename")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(OSError, match="killed"):
            await uploader(bucket).restore_lost(tmp_path / "new", lambda call_id: False)
    assert leftovers(tmp_path / "new") == []
    (restored,) = await uploader(bucket).restore_lost(tmp_path / "new", lambda call_id: False)
    assert restored.spool.extent().duration_s == 2
