"""`salesos up` as an operator meets it: what it starts, what it leaves, what it says when something is wrong."""

import json
import os
import re
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from salesos import health_watch
from salesos.data_folder import Running, read_running
from salesos.embedded.engine import is_alive
from tests.system.running import Up, salesos, start_up

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


def wait_for(reached: Callable[[], bool], timeout_s: float = 40) -> None:
    deadline = time.monotonic() + timeout_s
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_the_demonstration_call_scrolls_by_and_says_where_to_look_and_listen(up: Up, running: Running) -> None:
    wait_for(lambda: "Ctrl-C" in up.output.read_text(), timeout_s=120)
    text = up.output.read_text()
    assert "The demonstration call went well" in text
    assert re.search(r"^ +0:\d\d\.\d  agent   Hello.*after \d+ ms", text, re.MULTILINE)
    assert re.search(rf"^  page +{re.escape(running.crm)}/calls/[0-9a-f-]{{36}}$", text, re.MULTILINE)
    recording = re.search(r"^  recording +(.+)$", text, re.MULTILINE)
    assert recording is not None
    assert Path(recording[1]).is_file()


def test_one_table_tells_addresses_and_sign_in(up: Up, running: Running) -> None:
    text = up.output.read_text()
    for words in (running.crm, running.voice, running.carrier, running.email, running.password, str(up.data)):
        assert text.count(words) >= 1, words
    assert text.count("sign-in") == 1


def test_everything_listens_on_loopback_only(up: Up, running: Running) -> None:
    listening = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        if state == "0A":
            address, port = local.split(":")
            listening.add((address, int(port, 16)))
    ours = {int(url.rsplit(":", 1)[1]) for url in (running.crm, running.voice, running.carrier)}
    assert {address for address, port in listening if port in ours} == {"0100007F"}


def test_passwords_and_keys_are_for_the_owner_only(up: Up) -> None:
    assert stat.S_IMODE(up.data.stat().st_mode) == 0o700
    for name in ("run.json", "keys.json"):
        assert stat.S_IMODE((up.data / name).stat().st_mode) == 0o600


def test_secrets_stand_on_no_command_line_and_in_no_log(up: Up) -> None:
    keys = json.loads((up.data / "keys.json").read_text())
    secrets = [keys["secret_key"], keys["internal_key"]]  # the demonstration's password is printed for the operator
    secrets += json.loads((up.data / "postgres" / "passwords.json").read_text()).values()
    secrets.append((up.data / "redis" / "password").read_text())
    lines = [path.read_text(errors="replace") for path in (up.data / "logs").glob("*.log")]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                lines.append((entry / "cmdline").read_bytes().decode(errors="replace"))
            except OSError:
                continue
    everything = "\n".join([*lines, up.output.read_text()])
    assert not [secret for secret in secrets if secret in everything]


def test_the_voice_process_gets_no_database_address(running: Running) -> None:
    environment = Path(f"/proc/{running.children['voice']}/environ").read_bytes()
    assert b"SALESOS_DATABASE_URL" not in environment
    assert b"SALESOS_REDIS_URL" in environment
    owner = b"SALESOS_DATABASE_OWNER_URL"
    assert not [pid for pid in running.children.values() if owner in Path(f"/proc/{pid}/environ").read_bytes()]


def test_a_second_one_on_the_same_folder_is_refused_by_name(up: Up, running: Running) -> None:
    result = salesos(up, "up")
    assert result.returncode == 1
    assert f"process {running.pid}, {running.crm}" in result.stdout
    assert health_watch.answers(f"{running.crm}/health/live"), "the first one is not harmed"


@pytest.mark.parametrize("name", ["worker", "carrier", "crm", "voice"])
def test_a_killed_child_is_restarted_and_the_system_is_whole_again(up: Up, running: Running, name: str) -> None:
    before = read_running(up.data)
    assert before is not None
    os.kill(before.children[name], signal.SIGKILL)

    def came_back() -> bool:
        now = read_running(up.data)
        return now is not None and now.children[name] != before.children[name]

    wait_for(came_back)
    address = {"crm": running.crm, "voice": running.voice, "carrier": running.carrier}.get(name)
    wait_for(lambda: address is None or health_watch.answers(f"{address}/health/ready"))
    assert re.search(rf"^{name} +killed by SIGKILL: restarting", up.output.read_text(), re.MULTILINE)


@pytest.mark.parametrize("engine", ["postgres", "redis"])
def test_a_killed_engine_is_restarted_and_the_system_is_ready_again(up: Up, running: Running, engine: str) -> None:
    pid_file = {"postgres": "postgres/cluster/postmaster.pid", "redis": "redis/redis.pid"}[engine]
    os.kill(int((up.data / pid_file).read_text().split("\n")[0]), signal.SIGKILL)
    wait_for(lambda: f"{engine} ended: restarting" in up.output.read_text())
    wait_for(lambda: all(health_watch.answers(f"{url}/health/ready") for url in (running.crm, running.voice)))


def test_the_doctor_finds_the_running_system_and_its_carrier_in_order(up: Up, running: Running) -> None:
    wait_for(lambda: health_watch.answers(f"{running.voice}/health/ready"))
    result = salesos(up, "doctor", "--carrier")
    assert result.returncode == 0, result.stdout
    assert f"in use by the running Sales OS (process {running.pid})" in result.stdout
    for words in (
        "carrier account",
        "public address",
        "signed requests come through, forged ones are refused",
        "stream",
    ):
        assert words in result.stdout


def test_kill_leaves_nothing_and_the_next_start_recovers(tmp_path: Path) -> None:
    with start_up(tmp_path) as first:
        running = first.wait_until_ready()
        assert len(first.descendants()) >= 7, "two engines, four processes and the speech engines"
        first.process.kill()
    # At once: the next start waits for what is still ending.
    with start_up(tmp_path, environment=first.environment) as second:
        again = second.wait_until_ready()
        assert again.crm == running.crm
        assert not any(is_alive(pid) for pid in running.children.values())
        second.process.kill()
    wait_for(lambda: second.descendants() == {}, timeout_s=30)


def test_stopping_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with start_up(tmp_path) as up:
        wait_for(lambda: "redis    ready" in up.output.read_text())
        assert up.stop(signal.SIGINT) == 0, up.output.read_text()
    assert up.descendants() == {}
