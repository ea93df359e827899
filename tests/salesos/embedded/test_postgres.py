"""Embedded Postgres: starts, keeps data and roles, survives a kill, and leaves with whoever started it."""

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from salesos.embedded import engine
from salesos.embedded.engine import EngineFailed
from salesos.embedded.postgres import EmbeddedPostgres, PostgresAddresses

STARTER = """
import sys, os
from pathlib import Path
from salesos.embedded.postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]), durable=False)
server.start()
print(server.pid, flush=True)
sys.stdin.read()
"""


def connect(url: str) -> psycopg.Connection:
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """A cluster of this module's own: it is stopped and killed here."""
    server = EmbeddedPostgres(tmp_path_factory.mktemp("cluster"), durable=False)
    server.start()
    yield server
    server.stop()


def test_the_application_role_is_neither_owner_nor_superuser(postgres: PostgresAddresses) -> None:
    with connect(postgres.app_url) as connection:
        row = connection.execute(
            "SELECT rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        ).fetchone()
        assert row == (False, False, False, False)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE public.mine (id int)")


def test_the_owner_role_owns_the_database(postgres: PostgresAddresses) -> None:
    with connect(postgres.owner_url) as connection:
        owner = connection.execute(
            "SELECT pg_get_userbyid(datdba), current_user, rolsuper FROM pg_database, pg_roles"
            " WHERE datname = current_database() AND rolname = current_user"
        ).fetchone()
    assert owner == ("salesos_owner", "salesos_owner", False)


def test_a_wrong_password_is_refused(postgres: PostgresAddresses) -> None:
    password = postgres.app_url.split(":")[2].split("@")[0]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(postgres.app_url.replace(password, "guess"))


def test_text_is_utf8_and_sorts_by_code_point(postgres: PostgresAddresses) -> None:
    with connect(postgres.app_url) as connection:
        row = connection.execute("SELECT upper('ação'), pg_encoding_to_char(encoding) FROM pg_database").fetchone()
    assert row == ("AÇÃO", "UTF8")


def test_it_listens_on_loopback_only_and_has_no_socket_file(server: EmbeddedPostgres) -> None:
    with connect(server.addresses_of("postgres").admin_url) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("SHOW unix_socket_directories").fetchone() == ("",)


def test_passwords_are_readable_by_their_owner_only(server: EmbeddedPostgres) -> None:
    path = server._dir / "passwords.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for password in json.loads(path.read_text()).values():
        assert password not in engine.command_line(server.pid)


def test_data_outlast_a_stop_and_a_kill(server: EmbeddedPostgres) -> None:
    with connect(server.addresses_of("salesos").owner_url) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('here')")
    server.stop()
    assert not server.runs
    addresses = server.start()
    # As `kill -9` of the server itself leaves things: a pid file of a process that is gone.
    os.kill(server.pid, signal.SIGKILL)
    assert engine.wait_until_gone(server.pid, 5)
    again = server.start()

    assert again == addresses, "a restart keeps its port, so that its clients find it again"
    with connect(again.owner_url) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("here",)]


def test_a_pid_file_that_names_a_stranger_does_not_stop_the_start(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, durable=False)
    server.start()
    server.stop()
    (tmp_path / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n0\n1\n\n\n\nready\n")
    try:
        server.start()
        assert server.runs
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
    successor = EmbeddedPostgres(tmp_path, durable=False)
    try:
        successor.start()
        assert engine.wait_until_gone(pid, 10)
    finally:
        successor.stop()


def test_a_folder_that_is_no_cluster_is_a_clear_fault(tmp_path: Path) -> None:
    cluster = tmp_path / "cluster"
    cluster.mkdir()
    (cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EngineFailed, match="did not start"):
        EmbeddedPostgres(tmp_path, durable=False).start()
