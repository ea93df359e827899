"""What a call says of its recording at its end, whatever the store and the disk do."""

import asyncio
from pathlib import Path

import pytest

from events import call as events
from events.ids import new_id
from events.sealed_audio import MasterKey
from media.recording.blocks import Block, pack
from media.recording.recorder import Recorder
from media.recording.spool import Spool
from media.recording.store import open_store
from telephony.call.archive import Archive
from tests.s3_server import point_at

VOICE = b"\x20" * 8_000


def archive_in(folder: Path, recording_format: str = "wav") -> Archive:
    address = (folder / "store").as_uri()
    return Archive(
        open_store(address),
        address,
        folder / "spool",
        master=MasterKey("m" * 32),
        recording_format=recording_format,
    )


def spooled(archive: Archive, wrapped_key: str = "") -> Spool:
    spool = archive.spool_for(new_id(), new_id(), wrapped_key)
    spool.append(pack(Block(0, 8_000, (VOICE, b"", b""))))
    spool.close()
    return spool


async def outcome(archive: Archive, spool: Spool, failed: str = "") -> tuple[bool, list[events.Body]]:
    said: list[events.Body] = []
    recorder = Recorder(spool, muted=False)
    if failed:
        recorder.give_up(failed)
    return await archive.store(spool, recorder, said.append), said


@pytest.mark.parametrize(("recording_format", "suffix"), [("wav", ".wav"), ("opus", ".ogg")])
async def test_a_recording_is_stored_and_its_spool_goes(tmp_path: Path, recording_format: str, suffix: str) -> None:
    archive = archive_in(tmp_path, recording_format=recording_format)
    spool = spooled(archive)
    done, said = await outcome(archive, spool)
    assert done
    (stored,) = said
    assert isinstance(stored, events.RecordingStored)
    assert stored.key.endswith(suffix)
    assert (tmp_path / "store" / stored.key).stat().st_size == stored.size_bytes
    assert not list((tmp_path / "spool").iterdir())


@pytest.mark.parametrize("kept", [True, False])
async def test_the_spool_goes_when_what_was_said_is_on_disk_and_not_before(tmp_path: Path, *, kept: bool) -> None:
    """A process killed in between must find it again: else nobody would know of the object in the store."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def journaled() -> bool:
        asked.set()
        await answer.wait()
        return kept

    address = (tmp_path / "store").as_uri()
    archive = Archive(open_store(address), address, tmp_path / "spool", journaled=journaled)
    spool = spooled(archive)
    said: list[events.Body] = []
    async with asyncio.timeout(10), asyncio.TaskGroup() as tasks:
        storing = tasks.create_task(archive.store(spool, None, said.append))
        await asked.wait()
        assert [type(body) for body in said] == [events.RecordingStored]
        assert spool.exists()
        answer.set()
        assert await storing
    assert spool.exists() is not kept, "a disk that refused what was said leaves the spool to the sweep"


async def test_a_call_that_recorded_nothing_says_nothing(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    assert await outcome(archive, archive.spool_for(new_id(), new_id(), "")) == (True, [])


async def test_a_recording_that_broke_off_says_why_and_keeps_what_there_is(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    done, said = await outcome(archive, spooled(archive), failed="disk_full")
    assert done
    assert said[0] == events.RecordingFailed("disk_full")
    assert isinstance(said[1], events.RecordingStored)


async def test_a_spool_that_vanished_is_said(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    spool = spooled(archive)
    spool.remove()
    assert await outcome(archive, spool) == (True, [events.RecordingFailed("spool_lost")])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telephony.call.archive.RETRY_AFTER_S", 0.01)


@pytest.mark.usefixtures("impatient")
async def test_a_store_that_is_away_keeps_the_spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    point_at(monkeypatch, "http://127.0.0.1:9")  # discard: nobody listens there
    archive = Archive(open_store("s3://nowhere"), "s3://nowhere", tmp_path / "spool")
    spool = spooled(archive)
    done, said = await outcome(archive, spool)
    assert (done, said) == (False, [events.RecordingFailed("store_unavailable", str(spool.audio_path))])
    assert spool.exists()


@pytest.mark.usefixtures("impatient")
async def test_a_store_that_takes_too_long_does_not_hold_up_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("telephony.call.archive.PATIENCE_S", 0.05)
    archive = archive_in(tmp_path)
    spool = spooled(archive)

    async def never(spool: Spool) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(archive.uploader, "finish", never)
    done, said = await outcome(archive, spool)
    assert (done, said) == (False, [events.RecordingFailed("store_slow", str(spool.audio_path))])


async def test_a_key_that_does_not_open_is_said_and_nothing_is_stored_in_clear(tmp_path: Path) -> None:
    archive = archive_in(tmp_path)
    spool = spooled(archive, "wrapped with another master key")
    done, said = await outcome(archive, spool)
    assert (done, said) == (False, [events.RecordingFailed("recording_key_wrong", str(spool.audio_path))])
    assert not list((tmp_path / "store").iterdir())


async def test_a_disk_that_cannot_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = archive_in(tmp_path)
    spool = spooled(archive)

    def broken(self: Spool) -> None:
        raise OSError(5, "no")

    monkeypatch.setattr(Spool, "extent", broken)
    done, said = await outcome(archive, spool)
    assert (done, said) == (False, [events.RecordingFailed("disk_error", str(spool.audio_path))])
