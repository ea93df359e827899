"""Recordings reach the store whole and once, whatever fails, and wherever the process is killed."""

import asyncio
import contextlib
import io
import wave
from collections.abc import AsyncGenerator, Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import pytest

from events.ids import new_id
from events.sealed_audio import CallSeal, MasterKey, new_key
from media.recording import segments
from media.recording.blocks import Block, pack
from media.recording.join import wav_pieces
from media.recording.read_back import read_whole
from media.recording.segments import Manifest
from media.recording.spool import Spool, SpoolMeta, leftovers, new_meta
from media.recording.store import AWAY, REFUSED, Bucket, Objects, StoreUnavailable, open_store
from media.recording.uploader import Uploader
from tests.s3_server import S3Server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # moto's own dependencies
HALF = 4_000
NODE = "voice-7"
NOISE = np.random.default_rng(1).integers(0, 127, 1 << 20, dtype=np.uint8).tobytes()


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second instead of a minute, looked for at once."""
    for module in ("segments", "uploader"):
        monkeypatch.setattr(f"media.recording.{module}.SEGMENT_S", 1)
    monkeypatch.setattr("media.recording.uploader.LOOK_EVERY_S", 0.01)
    monkeypatch.setattr("media.recording.uploader.SPOOL_LAG_S", -100)  # the audio is there before its time
    monkeypatch.setattr("media.recording.uploader.RETRY_FIRST_S", 0.05)


def meta_of(**changes: str) -> SpoolMeta:
    return new_meta(new_id(), new_id(), **changes)


def say(spool: Spool, halves: range, *, person: bool = False) -> None:
    for number in halves:
        voice = NOISE[number * 97 :][:HALF]
        spool.append(pack(Block(number * HALF, HALF, (voice, voice[::-1], voice if person else b""))))


def spooled(folder: Path, halves: int, meta: SpoolMeta | None = None) -> Spool:
    spool = Spool(folder / "spool", meta or meta_of())
    say(spool, range(halves))
    spool.close()
    return spool


def uploader(objects: Objects, master: MasterKey | None = None) -> Uploader:
    return Uploader(objects, "s3://store", NODE, master)


@contextlib.asynccontextmanager
async def running(part: Uploader) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(part.run())
        yield
        task.cancel()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - what is waited for is a server's count
            await asyncio.sleep(0.01)


def audio_of(spool: Spool) -> bytes:
    return b"".join(wav_pieces(spool.blocks(), spool.extent()))


async def test_a_recording_reaches_s3_once(s3: S3Server, tmp_path: Path) -> None:
    spool, bucket = spooled(tmp_path, 9), open_store(s3.address)
    stored = await uploader(bucket).finish(spool)
    again = await uploader(bucket).finish(spool)
    assert stored is not None
    assert stored == again
    assert s3.puts() == {stored.key: 1}, "what is there is not uploaded again"
    raw = await read_whole(bucket, stored.key)
    assert (raw, len(raw)) == (audio_of(spool), stored.size_bytes)
    with wave.open(io.BytesIO(raw)) as recording:
        assert (recording.getnchannels(), recording.getnframes()) == (2, 9 * HALF)


async def test_an_object_that_is_not_the_recording_is_replaced(tmp_path: Path) -> None:
    spool, bucket = spooled(tmp_path, 3), open_store((tmp_path / "store").as_uri())
    stored = await uploader(bucket).finish(spool)
    assert stored is not None
    await bucket.put(stored.key, bytes(stored.size_bytes), stored.size_bytes)
    assert await uploader(bucket).finish(spool) == stored
    assert await read_whole(bucket, stored.key) == audio_of(spool)


async def test_nothing_recorded_is_nothing_stored(tmp_path: Path) -> None:
    bucket = open_store((tmp_path / "store").as_uri())
    assert await uploader(bucket).finish(Spool(tmp_path, meta_of())) is None
    empty = Spool(tmp_path, meta_of())
    empty.create()
    assert await uploader(bucket).finish(empty) is None
    assert await bucket.names("recordings/") == []


@pytest.mark.usefixtures("short_segments")
async def test_segments_go_while_the_call_runs_and_leave_one_object(s3: S3Server, tmp_path: Path) -> None:
    bucket = open_store(s3.address)
    part, spool = uploader(bucket), spooled(tmp_path, 5)
    async with running(part):
        part.begin(spool)
        await until(lambda: part.segments == 2)
        say(spool, range(5, 9), person=True)
        await until(lambda: part.segments == 4)
        manifest = msgspec.json.decode(await read_whole(bucket, segments.manifest_key(spool.meta)), type=Manifest)
        stored = await part.finish(spool)
    assert [(note.number, note.first_sample, note.end_sample) for note in manifest.segments] == [
        (number, (number - 1) * 8_000, number * 8_000) for number in range(1, 5)
    ]
    assert manifest.channels == 3
    assert stored is not None
    assert stored.channels == 3
    assert await bucket.names("recordings/") + await bucket.names("unfinished/") == [stored.key]
    assert await read_whole(bucket, stored.key) == audio_of(spool)
    once = {key: count for key, count in s3.puts().items() if not key.endswith("manifest.json")}
    assert set(once.values()) == {1}, "no object was uploaded twice"


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("status", ["503 Slow Down", "403 Forbidden"])
async def test_a_store_that_comes_back_gets_what_it_missed_once(s3: S3Server, tmp_path: Path, status: str) -> None:
    part, spools = uploader(open_store(s3.address)), [spooled(tmp_path, 7) for _ in range(3)]
    s3.status = status
    async with running(part):
        for spool in spools:
            part.begin(spool)
        await until(lambda: not part.store_up)
        with pytest.raises(StoreUnavailable) as refused:
            await uploader(open_store(s3.address)).finish(spools[0])
        assert refused.value.reason == (REFUSED if status.startswith("403") else AWAY)
        say(spools[0], range(7, 11))
        s3.status = ""
        await until(lambda: part.segments == 5 + 3 + 3)
        for spool in spools:
            assert await part.finish(spool) is not None
    once = {key: count for key, count in s3.puts().items() if not key.endswith("manifest.json")}
    assert set(once.values()) == {1}
    assert len([key for key in once if key.endswith(".wav")]) == 3


@pytest.mark.usefixtures("short_segments")
async def test_calls_after_one_that_cannot_be_sealed_are_not_held_up(tmp_path: Path) -> None:
    bucket = open_store((tmp_path / "store").as_uri())
    part = uploader(bucket)
    locked, open_ = spooled(tmp_path, 3, meta_of(wrapped_key="no key of ours")), spooled(tmp_path, 3)
    async with running(part):
        part.begin(locked)
        part.begin(open_)
        await until(lambda: part.segments == 1)
    assert part.store_up
    assert [name for name in await bucket.names("recordings/") if locked.meta.call_id in name] == []


# Sealed


MASTER = MasterKey("m" * 32)


def sealed_meta(key: bytes, recording_format: str = "wav") -> SpoolMeta:
    org_id = new_id()
    return new_meta(org_id, new_id(), recording_format=recording_format, wrapped_key=MASTER.wrap(key, org_id))


@pytest.mark.usefixtures("short_segments")
async def test_a_sealed_recording_is_in_the_store_in_no_other_form(s3: S3Server, tmp_path: Path) -> None:
    key, bucket = new_key(), open_store(s3.address)
    spool, part = spooled(tmp_path, 200, sealed_meta(key)), uploader(bucket, MASTER)
    async with running(part):
        part.begin(spool)
        await until(lambda: part.segments >= 2)
        for name in await bucket.names(segments.folder_of(spool.meta)):
            assert name.endswith((".seg.sealed", "manifest.json"))
            assert NOISE[:100] not in await read_whole(bucket, name)
        stored = await part.finish(spool)
    assert stored is not None
    assert stored == await uploader(bucket, MASTER).finish(spool)
    assert s3.puts()[stored.key] == 1, "told to be there though two seals never look the same"
    raw = await read_whole(bucket, stored.key)
    org_id, call_id = UUID(spool.meta.org_id), UUID(spool.meta.call_id)
    assert CallSeal(key, org_id, call_id).open_all(raw) == audio_of(spool)


@pytest.mark.parametrize(
    ("master", "reason"), [(None, "recording_key_missing"), (MasterKey("n" * 32), "recording_key_wrong")]
)
async def test_without_the_right_key_nothing_is_stored_and_nothing_lost(
    tmp_path: Path, master: MasterKey | None, reason: str
) -> None:
    bucket, spool = open_store((tmp_path / "store").as_uri()), spooled(tmp_path, 3, sealed_meta(new_key()))
    with pytest.raises(StoreUnavailable) as refused:
        await uploader(bucket, master).finish(spool)
    assert refused.value.reason == reason
    assert spool.exists()
    assert await bucket.names("recordings/") == []
    assert await uploader(bucket, MASTER).finish(spool) is not None


# The disk is gone


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("sealed", [False, True])
async def test_a_lost_disk_loses_what_was_in_no_segment(tmp_path: Path, sealed: bool) -> None:
    bucket = open_store((tmp_path / "store").as_uri())
    spool = spooled(tmp_path, 7, sealed_meta(new_key()) if sealed else None)
    part = uploader(bucket, MASTER)
    async with running(part):
        part.begin(spool)
        await until(lambda: part.segments == 3)
    wanted = audio_of(spool)
    spool.remove()
    after = uploader(bucket, MASTER)
    assert await after.restore_lost(tmp_path / "new", lambda call_id: True) == [], "a live call is not lost"
    (restored,) = await after.restore_lost(tmp_path / "new", lambda call_id: False)
    assert [item.meta for item in leftovers(tmp_path / "new")] == [spool.meta]
    stored = await after.finish(restored.spool)
    assert stored is not None
    assert stored.duration_s == 3
    assert audio_of(restored.spool)[44:] == wanted[44:][: 3 * 8_000 * 4]
    assert await bucket.names("recordings/") + await bucket.names("unfinished/") == [stored.key]


@pytest.mark.usefixtures("short_segments")
async def test_a_spool_that_vanished_under_a_running_call_is_made_from_segments(tmp_path: Path) -> None:
    bucket = open_store((tmp_path / "store").as_uri())
    part, spool = uploader(bucket), spooled(tmp_path, 5)
    async with running(part):
        part.begin(spool)
        await until(lambda: part.segments == 2)
        spool.remove()
        stored = await part.finish(spool)
    assert stored is not None
    assert stored.duration_s == 2


@pytest.mark.usefixtures("short_segments")
async def test_an_altered_segment_is_left_out_and_the_others_stand_where_they_were(tmp_path: Path) -> None:
    bucket = open_store((tmp_path / "store").as_uri())
    part, spool = uploader(bucket), spooled(tmp_path, 7)
    async with running(part):
        part.begin(spool)
        await until(lambda: part.segments == 3)
    spool.remove()
    key = segments.segment_key(spool.meta, 2)
    raw = bytearray(await read_whole(bucket, key))
    raw[500] ^= 1
    await bucket.put(key, bytes(raw), len(raw))
    await bucket.put(f"unfinished/{NODE}/nonsense.json", b"[1]", 3)
    (restored,) = await uploader(bucket).restore_lost(tmp_path / "new", lambda call_id: False)
    assert [block.start // HALF for block in restored.spool.blocks()] == [0, 1, 4, 5]
    stored = await uploader(bucket).finish(restored.spool)
    assert stored is not None
    assert stored.duration_s == 3


# Killed between any two steps


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
