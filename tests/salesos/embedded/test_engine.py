"""Starting and stopping one program."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from salesos.embedded import engine

STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def wait_for(path: Path, text: str) -> None:
    deadline = time.monotonic() + 10
    while text not in engine.last_lines(path):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_program_that_ignores_the_request_is_ended_by_force(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "stubborn.log"
    started = engine.start("stubborn", [sys.executable, "-c", STUBBORN], log_path=log, death_signal=signal.SIGTERM)
    wait_for(log, "up")
    started.stop(signal.SIGTERM, timeout_s=0.2)
    assert started.process.returncode == -signal.SIGKILL
    started.stop(signal.SIGTERM)


def test_the_output_is_appended_and_its_end_can_be_read(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("before\n")
    program = [sys.executable, "-c", "for i in range(30): print('line', i)"]
    engine.start("talker", program, log_path=log, death_signal=signal.SIGTERM).process.wait(10)
    assert log.read_text().startswith("before\nline 0\n")
    assert engine.last_lines(log, 2) == "line 28\nline 29"
    assert engine.last_lines(tmp_path / "none") == ""


def test_a_free_port_can_be_bound() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", engine.free_port()))


def test_a_process_that_has_ended_is_not_alive_though_nobody_has_collected_it() -> None:
    with subprocess.Popen([sys.executable, "-c", "pass"]) as ended:
        assert engine.wait_until_gone(ended.pid, 10)
    assert engine.is_alive(os.getpid())
    assert not engine.wait_until_gone(os.getpid(), 0.01)


def test_the_command_line_of_a_process() -> None:
    assert "python" in engine.command_line(os.getpid())
    assert engine.command_line(2**22 + 1) == ""
