"""The supervisor with small real processes: readiness, restarts, giving up, order of stopping."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from salesos import child as child_module
from salesos.child import Child, ChildState, bound_log
from salesos.embedded.engine import free_port, is_alive
from salesos.screen import Screen
from salesos.supervisor import ChildFailed, Supervisor

STAYS = "import time; time.sleep(60)"
DIES = "import sys; print('the cause of it'); sys.exit(3)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
SERVES = """
import http.server, sys
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    supervisor = Supervisor(Screen())
    yield supervisor
    supervisor.stop(())


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child_module, "BACK_OFF_S", (0.01,))


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Child]:
    def make(name: str, code: str, *words: str, health_url: str = "") -> Child:
        command = (sys.executable, "-c", code, *words)
        return Child(name, dict(os.environ), tmp_path / f"{name}.log", health_url, command=command)

    return make


def tick_until(supervisor: Supervisor, reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        supervisor.tick()
        time.sleep(0.02)


def test_a_child_is_ready_when_its_health_says_so(
    supervisor: Supervisor, make: Callable[..., Child], capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    server = make("crm", SERVES, str(port), health_url=f"http://127.0.0.1:{port}/health/ready")
    supervisor.start([server])
    assert not supervisor.all_ready
    assert "crm is starting" in "".join(supervisor.not_ready())
    tick_until(supervisor, lambda: supervisor.all_ready)
    assert "crm      ready after" in capsys.readouterr().out
    assert supervisor.not_ready() == []


def test_a_killed_child_comes_back_and_becomes_ready_again(
    supervisor: Supervisor, make: Callable[..., Child], capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    server = make("voice", SERVES, str(port), health_url=f"http://127.0.0.1:{port}/")
    supervisor.start([server])
    tick_until(supervisor, lambda: supervisor.all_ready)
    first = server.pid
    os.kill(first, signal.SIGKILL)
    tick_until(supervisor, lambda: server.restarts == 1)
    assert not supervisor.all_ready, "what a dead process answered counts no longer"
    tick_until(supervisor, lambda: supervisor.all_ready)
    assert server.pid != first
    assert "killed by SIGKILL: restarting in 0.01 s" in capsys.readouterr().out


def test_a_child_that_dies_at_every_start_ends_the_attempt_with_its_log(
    supervisor: Supervisor, make: Callable[..., Child]
) -> None:
    dying = make("worker", DIES)
    supervisor.start([dying])
    with pytest.raises(ChildFailed, match=r"(?s)worker ended with status 3, 3 times.*the cause of it"):
        tick_until(supervisor, lambda: False)


def test_a_child_that_was_ready_gets_more_attempts(supervisor: Supervisor, make: Callable[..., Child]) -> None:
    dying = make("worker", DIES)
    dying.was_ready = True
    supervisor.start([dying])
    with pytest.raises(ChildFailed, match="8 times"):
        tick_until(supervisor, lambda: False)


def test_a_long_life_forgives_the_deaths_before_it(make: Callable[..., Child]) -> None:
    child = make("worker", STAYS)
    child.quick_deaths = 5
    child.started_at = time.monotonic() - child_module.QUICK_DEATH_S - 1
    child.plan_restart()
    assert child.quick_deaths == 0
    assert child.state is ChildState.WAITING


def test_stopping_follows_the_order_and_leaves_nothing(
    supervisor: Supervisor, make: Callable[..., Child], capsys: pytest.CaptureFixture[str]
) -> None:
    children = [make(name, STAYS) for name in ("worker", "crm", "voice")]
    supervisor.start(children)
    pids = [child.pid for child in children]
    supervisor.stop(("voice", "crm"))
    supervisor.stop(("voice", "crm"))
    assert not any(is_alive(pid) for pid in pids)
    stops = [line.split()[1] for line in capsys.readouterr().out.splitlines() if line.startswith("stopping")]
    assert stops == ["voice", "crm", "worker"]


def test_a_child_that_does_not_end_is_waited_for_until_haste(
    supervisor: Supervisor, make: Callable[..., Child]
) -> None:
    stubborn = make("voice", STUBBORN)
    supervisor.start([stubborn])
    tick_until(supervisor, lambda: "up" in stubborn.log_path.read_text())
    asked: list[bool] = []

    def second_request() -> bool:
        asked.append(True)
        return len(asked) > 3

    supervisor.stop((), second_request)
    assert len(asked) == 4
    assert not is_alive(stubborn.pid)


def test_a_log_that_grows_too_large_is_moved_aside_under_its_writer(tmp_path: Path) -> None:
    log = tmp_path / "crm.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"x" * 20)
        bound_log(log, bytes_max=30)
        assert log.stat().st_size == 20
        writer.write(b"y" * 20)
        bound_log(log, bytes_max=30)
        writer.write(b"after")
    assert log.read_bytes() == b"after"
    assert (tmp_path / "crm.log.1").stat().st_size == 40
    bound_log(tmp_path / "none.log")
