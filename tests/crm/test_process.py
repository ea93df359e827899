"""The processes themselves: what stops their start, and how they end."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from salesos.embedded.engine import free_port
from salesos.embedded.postgres import PostgresAddresses

RUN = "from config.settings import read_settings; from crm.{module} import run; run(read_settings())"
START_TIMEOUT_S = 30


def start(module: str, tmp_path: Path, *, before: str = "", **variables: str) -> "subprocess.Popen[str]":
    repository = Path(__file__).parents[2]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(repository), "SALESOS_DATA_DIR": str(tmp_path)}
    environment |= {f"SALESOS_{name.upper()}": value for name, value in variables.items()}
    return subprocess.Popen(
        [sys.executable, "-c", before + RUN.format(module=module)],
        env=environment,
        cwd=tmp_path,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, list[dict[str, Any]]]:
    """Wait for the end and return the status and the log's lines."""
    _, errors = process.communicate(timeout=START_TIMEOUT_S)
    return process.returncode, [json.loads(line) for line in errors.splitlines() if line.startswith("{")]


def first_answer(url: str, process: "subprocess.Popen[str]") -> httpx.Response:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            return httpx.get(url, timeout=5)
        except httpx.TransportError:
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)


@pytest.mark.parametrize(
    ("module", "role", "cause"),
    [
        ("app", None, "bad_settings"),
        ("app", "nowhere", "database_unreachable"),
        ("app", "owner_url", "unsafe_database_role"),
        ("app", "empty", "database_not_migrated"),
        ("worker", "nowhere", "database_unreachable"),
        ("worker", "owner_url", "unsafe_database_role"),
    ],
)
def test_a_fatal_fault_is_one_line_with_its_cause(
    module: str,
    role: str | None,
    cause: str,
    postgres: PostgresAddresses,
    empty_database: PostgresAddresses,
    redis_url: str,
    tmp_path: Path,
) -> None:
    variables = {"redis_url": redis_url, "crm_port": str(free_port())}
    if role is not None:
        addresses = {"nowhere": "postgresql://u:p@127.0.0.1:1/x", "empty": empty_database.app_url}
        variables["database_url"] = addresses.get(role) or getattr(postgres, role)
    status, lines = ended(start(module, tmp_path, **variables))
    assert status == 1
    assert (lines[-1]["event"], lines[-1]["cause"]) == ("process.cannot_start", cause)
    assert len(lines) == 1


@pytest.mark.parametrize(
    ("name", "text", "cause"),
    [
        ("prices.yaml", "voice_minute: 0\nemail_verification: 1\n", "bad_prices"),
        ("plans.yaml", "default: gold\nplans: {basic: {seats: 0}}\n", "bad_plans"),
        ("compliance.yaml", "minimum_funded_s: 60\n", "bad_compliance_rules"),
    ],
)
def test_bad_tables_of_the_operator_stop_the_start(
    name: str, text: str, cause: str, config_folder: Path, tmp_path: Path
) -> None:
    """A missing or zero price stops the start, and every fault is named at once."""
    (config_folder / name).write_text(text)
    before = f"import pathlib, crm.resources; crm.resources.CONFIG_FOLDER = pathlib.Path({str(config_folder)!r}); "
    process = start("app", tmp_path, before=before, database_url="postgresql://x/x", redis_url="redis://x")
    status, lines = ended(process)
    assert (status, lines[-1]["cause"]) == (1, cause)
    assert len(lines[-1]["faults"]) == {"bad_prices": 2, "bad_plans": 2, "bad_compliance_rules": 1}[cause]


def test_a_busy_port_names_its_variable(postgres: PostgresAddresses, redis_url: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        process = start("app", tmp_path, database_url=postgres.app_url, redis_url=redis_url, crm_port=port)
        status, lines = ended(process)
    assert (status, lines[-1]["cause"], lines[-1]["variable"]) == (1, "port_busy", "SALESOS_CRM_PORT")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_crm_serves_and_stops_cleanly(
    number: signal.Signals, postgres: PostgresAddresses, redis_url: str, tmp_path: Path
) -> None:
    port = free_port()
    process = start("app", tmp_path, database_url=postgres.app_url, redis_url=redis_url, crm_port=str(port))
    try:
        answer = first_answer(f"http://127.0.0.1:{port}/health/ready", process)
        assert answer.status_code == 200
        assert "server" not in answer.headers
        process.send_signal(number)
        status, lines = ended(process)
    finally:
        process.kill()
        process.wait()
    assert (status, lines[-1]["event"]) == (0, "crm.stopped")


def test_the_worker_stops_cleanly(postgres: PostgresAddresses, redis_url: str, tmp_path: Path) -> None:
    process = start("worker", tmp_path, database_url=postgres.app_url, redis_url=redis_url)
    try:
        assert process.stderr is not None
        assert json.loads(process.stderr.readline())["event"] == "worker.started"
        process.send_signal(signal.SIGTERM)
        status, lines = ended(process)
    finally:
        process.kill()
        process.wait()
    assert (status, lines[-1]["event"]) == (0, "worker.stopped")
