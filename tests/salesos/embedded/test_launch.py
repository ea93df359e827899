"""The launcher: what a program gets before it runs, and the ways in which it refuses."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from salesos.embedded import engine, launch

PRINT_IDS = "import os; print(os.geteuid(), os.getegid(), os.getpgrp() == os.getpid())"


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)


def test_the_program_keeps_its_user_and_leads_its_own_group() -> None:
    result = run(*engine.launcher(signal.SIGTERM, "keep"), sys.executable, "-c", PRINT_IDS)
    assert result.stdout.split() == [str(os.geteuid()), str(os.getegid()), "True"]


def test_in_a_user_namespace_the_program_is_not_root_and_its_files_stay_ours(tmp_path: Path) -> None:
    made = tmp_path / "made"
    code = f"{PRINT_IDS}; open({str(made)!r}, 'w').close()"
    result = run(*engine.launcher(signal.SIGTERM, "namespace"), sys.executable, "-c", code)
    if result.returncode == launch.EXIT_NO_NAMESPACE:
        pytest.skip("this machine allows no user namespaces")
    assert result.stdout.split()[:2] == [str(launch.UID_INSIDE)] * 2
    assert made.stat().st_uid == os.geteuid()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_root_can_become_another_user() -> None:
    result = run(*engine.launcher(signal.SIGTERM, "65534:65534"), "/usr/bin/id", "-u")
    assert (result.stdout.strip(), result.returncode) in (("65534", 0), ("", 1))


def test_a_missing_program_is_named() -> None:
    result = run(*engine.launcher(signal.SIGTERM, "keep"), "no-such-program")
    assert result.returncode == launch.EXIT_NO_PROGRAM
    assert "no-such-program" in result.stderr


def test_nothing_starts_for_a_parent_that_is_gone() -> None:
    words = engine.launcher(signal.SIGTERM, "keep")
    words[words.index("--parent") + 1] = "1"
    result = run(*words, sys.executable, "-c", "print('ran')")
    assert result.returncode == launch.EXIT_PARENT_GONE
    assert result.stdout == ""
