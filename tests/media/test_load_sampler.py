"""Where the readings come from: the kernel's account, the cgroup's quota, the clock."""

import asyncio
from pathlib import Path

import pytest

from media.activity.silero import Silero
from media.clock import Clock
from media.load import Gauge, Load, Reading
from media.load_sampler import LoadSampler, Spent, _quota, cores_granted, reading_of, spent


@pytest.mark.parametrize(
    ("now", "cores", "busy", "used"),
    [
        (Spent(2.0, 0.5, 0.0, 0.6), 2, 0.25, 0.3),
        (Spent(2.0, 0.5, 1.0, 0.6), 2, 0.75, 0.3),  # it wanted to run and could not: the core is as full
        (Spent(2.0, 0.5, 0.0, 1.8), 1, 0.9, 0.9),  # the detector's thread shares the one core
        (Spent(2.0, 1.5, 1.5, 1.8), 1, 1.0, 0.9),
        (Spent(2.0, 0.5, 0.0, 0.6), 0.5, 0.6, 0.3),  # half a core is all that the cgroup gives
    ],
)
def test_busy_is_running_and_waiting_to_run(now: Spent, cores: float, busy: float, used: float) -> None:
    assert list(reading_of(Spent(0, 0, 0, 0), now, cores)) == pytest.approx([busy, used])


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({}, float("inf")),
        ({"cpu.max": "max 100000\n"}, float("inf")),
        ({"cpu.max": "150000 100000\n"}, 1.5),
        ({"cpu.max": "garbage"}, float("inf")),
        ({"cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000"}, 0.5),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, float("inf")),
        ({"cpu/cpu.cfs_quota_us": "1", "cpu/cpu.cfs_period_us": "0"}, float("inf")),
    ],
)
def test_the_cgroups_quota_is_read_in_both_versions(files: dict[str, str], cores: float, tmp_path: Path) -> None:
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert _quota(tmp_path) == cores


def test_this_machine_grants_something() -> None:
    assert cores_granted() > 0


def test_a_kernel_that_does_not_account_for_waiting_is_no_fault(tmp_path: Path) -> None:
    assert spent(tmp_path / "none").waited_s == 0.0
    (tmp_path / "odd").write_text("x")
    assert spent(tmp_path / "odd").waited_s == 0.0
    (tmp_path / "stat").write_text("5 2500000000 7\n")
    assert spent(tmp_path / "stat").waited_s == 2.5


async def test_readings_reach_the_gauge_and_the_clock_is_kept_awake() -> None:
    class Heard(Gauge):
        readings: list[Reading]

        def take(self, reading: Reading) -> Load:
            self.readings.append(reading)
            return Gauge.take(self, reading)

    gauge, clock = Heard(), Clock()
    gauge.readings = []
    silero = Silero()
    silero.delay_ms.add(500.0)
    sampler = LoadSampler(gauge, clock, silero, lambda: (7, 3))
    async with asyncio.TaskGroup() as tasks:
        ticking = tasks.create_task(clock.run())
        reading = tasks.create_task(sampler.run())
        while len(gauge.readings) < 2:  # noqa: ASYNC110 - the sampler tells nobody but the gauge
            await asyncio.sleep(0.02)
        reading.cancel()
        ticking.cancel()
    assert [one.calls for one in gauge.readings] == [7, 7]
    assert [one.underruns for one in gauge.readings] == [0, 0], "counted from the first reading on"
    assert [one.vad_ms for one in gauge.readings] == [0, 0], "no batch since: the delay of the last one is long ago"
    assert len(clock.late_ms) > 10
    assert gauge.load.level > 0
