"""What /proc says of a process and its children."""

import os
import subprocess
import sys
import time

import pytest

from bench.process_meter import CoreUse, core_use, tree_use


def test_the_work_of_children_counts() -> None:
    program = "import os, time\nos.fork() or exec('while time.process_time() < 0.3: pass')\ntime.sleep(30)"
    child = subprocess.Popen([sys.executable, "-c", program])
    try:
        deadline = time.monotonic() + 20
        while tree_use(child.pid).cpu_s < 0.25 and time.monotonic() < deadline:
            time.sleep(0.05)
        used = tree_use(child.pid)
        assert used.cpu_s >= 0.25
        assert used.rss_bytes > 1_000_000
    finally:
        child.kill()
        child.wait()


def test_a_core_is_busy_for_no_longer_than_time_passes() -> None:
    core = min(os.sched_getaffinity(0))
    before, started = core_use(core), time.monotonic()
    while time.monotonic() < started + 0.1:
        pass
    use = core_use(core).since(before)
    assert use.busy_s <= time.monotonic() - started + 0.03  # /proc counts hundredths
    assert core_use(core).since(core_use(core)) == CoreUse(0, 0)
    with pytest.raises(KeyError):
        core_use(10_000)
