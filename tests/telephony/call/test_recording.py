"""A call's recording from the line's opening to the store, and the call that has none."""

import asyncio
import wave
from pathlib import Path

import msgspec
import pytest

from bench.loopback_carrier import new_plan
from events import call as events
from events.ids import new_id
from events.plan import CallPlan, RecordWhen
from telephony.call import recording
from telephony.call.recording import CallRecording
from tests.telephony.call.test_archive import archive_in


def plan(record: RecordWhen) -> CallPlan:
    return msgspec.structs.replace(new_plan(new_id()), record=record)


@pytest.mark.parametrize(
    ("record", "told", "heard"),
    [
        (RecordWhen.ALWAYS, False, True),
        (RecordWhen.AFTER_DISCLOSURE, False, False),
        (RecordWhen.AFTER_DISCLOSURE, True, True),
    ],
)
async def test_what_is_stored_is_what_may_be(tmp_path: Path, record: RecordWhen, *, told: bool, heard: bool) -> None:
    archive = archive_in(tmp_path)
    kept = CallRecording(plan(record), archive)
    said: list[events.Body] = []
    async with asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(archive.writer.run())
        kept.begin()
        assert kept.recorder is not None
        if told:
            kept.unmute(0)
        for at_ms in range(0, 1_000, 20):
            kept.recorder.heard_from_prospect(at_ms, b"\x20" * 160)
        await kept.write_out(1_000)
        kept.drop()
        await kept.store(said.append)
        writing.cancel()
    (stored,) = said
    assert isinstance(stored, events.RecordingStored)
    assert stored.duration_s == pytest.approx(1.0, abs=0.1)
    with wave.open(str(tmp_path / "store" / stored.key)) as file:
        assert any(file.readframes(file.getnframes())) is heard
    assert kept.late_samples == 0


async def test_a_call_that_is_not_recorded_leaves_nothing(tmp_path: Path) -> None:
    kept = CallRecording(plan(RecordWhen.NEVER), archive_in(tmp_path))
    said: list[events.Body] = []
    kept.begin()
    kept.unmute(0)
    await kept.write_out(1_000)
    kept.drop()
    await kept.store(said.append)
    assert (kept.recorder, kept.late_samples, said) == (None, 0, [])
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_a_disk_that_does_not_answer_costs_the_recording_and_not_the_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "WRITE_OUT_TIMEOUT_S", 0.01)
    archive = archive_in(tmp_path)  # whose writer does not run: nothing is ever written
    kept = CallRecording(plan(RecordWhen.ALWAYS), archive)
    kept.begin()
    await kept.write_out(1_000)
    kept.drop()
    assert kept.recorder is not None
    assert kept.recorder.failed == "disk_slow"
