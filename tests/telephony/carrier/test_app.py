"""The process: it starts, carries a call, and ends well on either signal; bad personas are named."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from config.settings import BOX_ACCOUNT_SID, BOX_AUTH_TOKEN, Settings
from telephony.carrier.app import create_app
from telephony.carrier.persona import BadPersona

PROGRAM = """
from config.logs import configure_logs
from config.settings import read_settings
from telephony.carrier.app import run
configure_logs("carrier", "info")
run(read_settings())
"""
START_S = 30.0


def start(tmp_path: Path) -> tuple["subprocess.Popen[bytes]", str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "SALESOS_CARRIER_PORT": str(port), "SALESOS_DATA_DIR": str(tmp_path / "data")}
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, stderr=subprocess.PIPE)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(f"{address}/health/live", trust_env=False).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.05)
    return process, address


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_well_on_a_signal_with_a_call_on_the_line(tmp_path: Path, number: signal.Signals) -> None:
    process, address = start(tmp_path)
    try:
        with httpx.Client(base_url=address, auth=(BOX_ACCOUNT_SID, BOX_AUTH_TOKEN), trust_env=False) as http:
            form = {"To": "+12025550108", "From": "+12025550100", "Twiml": '<Response><Pause length="60"/></Response>'}
            placed = http.post(f"/2010-04-01/Accounts/{BOX_ACCOUNT_SID}/Calls.json", data=form)
            assert placed.status_code == 201
            path = placed.json()["uri"]
            deadline = time.monotonic() + 5
            while http.get(path).json()["status"] != "in-progress":
                assert time.monotonic() < deadline
                time.sleep(0.05)
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    assert process.returncode == 0, errors.decode()
    assert b"Traceback" not in errors
    assert b"carrier.stopped" in errors


def test_a_bad_persona_keeps_the_carrier_from_starting(tmp_path: Path) -> None:
    (tmp_path / "eager.yaml").write_text("lines: 3")
    with pytest.raises(BadPersona, match=r"eager\.yaml: lines"):
        create_app(Settings(_env_file=None, data_dir=tmp_path), tmp_path)


def test_somebody_has_to_answer_numbers_that_nobody_has(tmp_path: Path) -> None:
    (tmp_path / "busy.yaml").write_text("answer: {how: busy}")
    with pytest.raises(BadPersona, match=r"eager\.yaml is missing"):
        create_app(Settings(_env_file=None, data_dir=tmp_path), tmp_path)
