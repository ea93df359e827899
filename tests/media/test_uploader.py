"""Recordings reach the store whole and once, whatever fails, and wherever the process is killed."""

import io
import wave
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from events.sealed_audio import CallSeal, MasterKey, new_key
from media.recording import segments
from media.recording.read_back import read_whole
from media.recording.segments import Manifest
from media.recording.spool import Spool, leftovers
from media.recording.store import AWAY, REFUSED, StoreUnavailable, open_store
from tests.media.uploading import (
    HALF,
    MASTER,
    NODE,
    NOISE,
    audio_of,
    meta_of,
    running,
    say,
    sealed_meta,
    spooled,
    until,
    uploader,
)
from tests.s3_server import S3Server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # moto's own dependencies


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
