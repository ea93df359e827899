"""One writer for all recordings: what is on disk when, and what a full or silent disk does to whom."""

import asyncio
import contextlib
import errno
import threading
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from media.recording.recorder import Recorder
from media.recording.spool import Spool
from media.recording.writer import Writer
from tests.media.test_recorder import heard, read, spool


@contextlib.asynccontextmanager
async def writing(patience_s: float = 10) -> AsyncGenerator[Writer]:
    writer = Writer(patience_s=patience_s)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(writer.run())
        yield writer
        running.cancel()


def begun(writer: Writer, folder: Path) -> Recorder:
    recorder = Recorder(spool(folder), muted=False)
    writer.begin(recorder)
    return recorder


async def test_calls_are_written_while_they_run_and_whole_when_they_end(tmp_path: Path) -> None:
    async with writing() as writer, asyncio.timeout(10):
        recorders = [begun(writer, tmp_path) for _ in range(5)]
        for recorder in recorders:
            heard(recorder, 2_000)
        while not all(recorder.spool.exists() for recorder in recorders):  # noqa: ASYNC110 - a file wakes nobody
            await asyncio.sleep(0.02)
        rounds = writer.rounds
        for recorder in recorders:
            await writer.finish(recorder, 2_000)
        assert rounds == 1, "one job for all of them"
        assert len(writer) == 0
    assert all(read(recorder.spool)[:, 0].all() for recorder in recorders)
    assert {len(read(recorder.spool)) for recorder in recorders} == {16_000}


async def test_a_call_that_ends_at_once_does_not_wait_for_the_round(tmp_path: Path) -> None:
    async with writing() as writer, asyncio.timeout(5):
        recorder = begun(writer, tmp_path)
        heard(recorder, 100)
        await writer.finish(recorder, 100)
        await writer.finish(recorder, 100)  # a second time means nothing
    assert len(read(recorder.spool)) == 800


@pytest.mark.parametrize(("code", "reason"), [(errno.ENOSPC, "disk_full"), (errno.EIO, "disk_error")])
async def test_a_broken_disk_ends_that_recording_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: str
) -> None:
    real = Spool.append
    async with writing() as writer, asyncio.timeout(10):
        unlucky, lucky = begun(writer, tmp_path), begun(writer, tmp_path)

        def broken(self: Spool, packed: bytes) -> None:
            if self is unlucky.spool:
                raise OSError(code, "no")
            real(self, packed)

        monkeypatch.setattr(Spool, "append", broken)
        for recorder in (unlucky, lucky):
            heard(recorder, 1_000)
        for recorder in (unlucky, lucky):
            await writer.finish(recorder, 1_000)
    assert (unlucky.failed, lucky.failed) == (reason, "")
    assert len(read(lucky.spool)) == 8_000


async def test_a_full_disk_is_met_for_real(tmp_path: Path) -> None:
    """/dev/full answers every write as a full disk does."""
    async with writing() as writer, asyncio.timeout(10):
        recorder = Recorder(spool(tmp_path), muted=False)
        recorder.spool.audio_path.symlink_to("/dev/full")
        writer.begin(recorder)
        heard(recorder, 1_000)
        await writer.finish(recorder, 1_000)
    assert recorder.failed == "disk_full"


async def test_a_disk_that_does_not_answer_ends_recordings_and_holds_up_no_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, real = threading.Event(), Spool.append

    def hangs(self: Spool, packed: bytes) -> None:
        answer.wait(20)
        real(self, packed)

    monkeypatch.setattr(Spool, "append", hangs)
    async with writing(patience_s=0.1) as writer, asyncio.timeout(10):
        ending, running = begun(writer, tmp_path), begun(writer, tmp_path)
        for recorder in (ending, running):
            heard(recorder, 1_000)
        await writer.finish(ending, 1_000)
        assert (ending.failed, running.failed, len(writer)) == ("disk_slow", "disk_slow", 0)
        refused = begun(writer, tmp_path)
        assert refused.failed == "disk_slow"
        await writer.finish(refused, 0)
        answer.set()
        while writer.stuck:  # noqa: ASYNC110 - a flag for metrics
            await asyncio.sleep(0.01)
        after = begun(writer, tmp_path)
        heard(after, 1_000)
        await writer.finish(after, 1_000)
    assert (after.failed, len(read(after.spool))) == ("", 8_000)


async def test_a_call_that_died_is_let_go_with_what_is_on_disk(tmp_path: Path) -> None:
    async with writing() as writer:
        recorder = begun(writer, tmp_path)
        heard(recorder, 1_000)
        writer.drop(recorder)
        writer.drop(recorder)
        assert len(writer) == 0
    assert not recorder.spool.exists()


async def test_a_clock_that_jumps_is_named(tmp_path: Path) -> None:
    async with writing() as writer, asyncio.timeout(5):
        recorder = begun(writer, tmp_path)
        heard(recorder, 1_000)
        recorder.heard_from_prospect(10**9, b"\x10" * 160)
        await writer.finish(recorder, 10**9)
    assert recorder.failed == "clock_jumped"
    assert recorder.spool.extent().duration_s < 100
