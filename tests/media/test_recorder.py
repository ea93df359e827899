"""The recorder while the call runs: what is on disk, what is muted, what a slow or broken disk leaves."""

import asyncio
import os
from pathlib import Path

import numpy as np
import pytest

from events.ids import new_id
from media.codec import g711
from media.recording.recorder import Recorder
from media.recording.spool import Spool, leftovers

VOICE = np.full(160, 4_000, dtype=np.int16)


def spool(folder: Path) -> Spool:
    return Spool(folder, new_id(), new_id())


def read(written: Spool) -> np.ndarray[tuple[int, int], np.dtype[np.int16]]:
    return np.frombuffer(written.pcm_path.read_bytes(), dtype=np.int16).reshape(-1, 2)


async def test_both_channels_are_written_up_to_the_end_of_the_call(tmp_path: Path) -> None:
    written = spool(tmp_path)
    recorder = Recorder(written, muted=False)
    for at_ms in range(0, 1_000, 20):
        recorder.heard_from_prospect(at_ms, VOICE)
    recorder.played_to_prospect(500, g711.encode(np.full(8_000, 2_000, dtype=np.int16)))
    await recorder.finish(1_000)
    pcm = read(written)
    assert len(pcm) == 8_000
    assert set(pcm[:, 0]) == {4_000}
    assert not pcm[:4_000, 1].any()
    assert pcm[4_000:, 1].all()
    assert [found.meta for found in leftovers(tmp_path)] == [written.meta]


async def test_nothing_is_heard_before_the_disclosure(tmp_path: Path) -> None:
    written = spool(tmp_path)
    recorder = Recorder(written, muted=True)
    for at_ms in range(0, 1_000, 20):
        recorder.heard_from_prospect(at_ms, VOICE)
    recorder.unmute(600)
    await recorder.finish(1_000)
    pcm = read(written)
    assert not pcm[:4_800].any()
    assert pcm[4_800:, 0].all()


async def test_what_was_cleared_is_not_in_it(tmp_path: Path) -> None:
    written = spool(tmp_path)
    recorder = Recorder(written, muted=False)
    recorder.played_to_prospect(0, g711.encode(np.full(8_000, 2_000, dtype=np.int16)))
    recorder.cleared(250)
    await recorder.finish(1_000)
    assert int(np.count_nonzero(read(written)[:, 1])) == 250 * 8


@pytest.mark.parametrize(("errno", "reason"), [(28, "disk_full"), (5, "disk_error")])
async def test_a_broken_disk_ends_the_recording_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, errno: int, reason: str
) -> None:
    def broken(self: Spool, frames: bytes) -> None:
        raise OSError(errno, os.strerror(errno))

    monkeypatch.setattr(Spool, "append", broken)
    recorder = Recorder(spool(tmp_path), muted=False)
    recorder.heard_from_prospect(0, VOICE)
    await recorder.finish(20)
    assert recorder.failed == reason
    recorder.heard_from_prospect(20, VOICE)
    await recorder.finish(40)


async def test_a_second_is_on_disk_a_second_later(tmp_path: Path) -> None:
    written = spool(tmp_path)
    recorder = Recorder(written, muted=False)
    for at_ms in range(0, 3_000, 20):
        recorder.heard_from_prospect(at_ms, VOICE)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(recorder.run())
        await asyncio.sleep(1.3)
        running.cancel()
    assert written.duration_s() == pytest.approx(2.0)
