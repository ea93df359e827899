"""The command line as it is typed: exit statuses and what goes where."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from salesos.embedded.engine import free_port


def salesos(*words: str, cwd: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SALESOS_")}
    command = [sys.executable, "-m", "salesos", *words]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd, env=kept | settings
    )


def test_version(tmp_path: Path) -> None:
    result = salesos("version", cwd=tmp_path)
    assert (result.returncode, result.stdout.split()[0]) == (0, "salesos")


@pytest.mark.parametrize("command", ["up", "voice", "crm", "worker", "carrier", "call", "doctor", "migrate"])
def test_bad_settings_are_all_named_at_once_and_never_shown(command: str, tmp_path: Path) -> None:
    result = salesos(command, cwd=tmp_path, SALESOS_CRM_PORT="secret-1", SALESOS_CARRIER_URL="secret-2")
    assert result.returncode == 2
    assert "SALESOS_CRM_PORT" in result.stderr
    assert "SALESOS_CARRIER_URL" in result.stderr
    assert "secret" not in result.stderr + result.stdout


def test_migrating_without_an_address_says_which_is_missing(tmp_path: Path) -> None:
    result = salesos("migrate", cwd=tmp_path)
    assert result.returncode == 2
    assert "SALESOS_DATABASE_OWNER_URL" in result.stderr


REAL_CARRIER = {
    "SALESOS_CARRIER_URL": "https://api.example.com",
    "SALESOS_TWILIO_ACCOUNT_SID": "AC1",
    "SALESOS_TWILIO_AUTH_TOKEN": "token",
}


@pytest.mark.parametrize(
    "words", [("up", "--demo"), ("up", "--once"), ("call", "--persona", "eager"), ("call",)], ids=" ".join
)
def test_a_simulated_call_through_a_real_carrier_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    result = salesos(*words, cwd=tmp_path, **REAL_CARRIER)
    assert result.returncode != 0
    assert "real" in result.stdout + result.stderr or "SALESOS_CARRIER_URL" in result.stdout + result.stderr
    assert not (tmp_path / ".salesos").exists(), "nothing was started"


def test_a_process_whose_parent_is_gone_ends_by_itself(tmp_path: Path) -> None:
    """As after `kill -9` of the supervisor on a system without the kernel's death signal."""
    watch = "from salesos import parent_watch; parent_watch.POLL_S = 0.01; parent_watch.start()"
    code = f"{watch}; import time; time.sleep(60)"
    started = time.monotonic()
    result = subprocess.run(
        [sys.executable, "-c", code], timeout=30, check=False, env=dict(os.environ) | {"SALESOS_PARENT_PID": "1"}
    )
    assert result.returncode != 0
    assert time.monotonic() - started < 20


def test_a_busy_port_is_named_before_anything_starts(tmp_path: Path) -> None:
    import socket

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = str(server.getsockname()[1])
        result = salesos(
            "up",
            cwd=tmp_path,
            SALESOS_CRM_PORT=port,
            SALESOS_VOICE_PORT=str(free_port()),
            SALESOS_CARRIER_PORT=str(free_port()),
        )
    assert result.returncode == 1
    assert f"port {port} on 127.0.0.1 is already in use: set SALESOS_CRM_PORT" in result.stdout
    assert not (tmp_path / ".salesos" / "postgres").exists()
