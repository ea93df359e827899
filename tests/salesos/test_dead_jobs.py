"""`salesos jobs` against a small real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from salesos.dead_jobs import run_jobs

DEAD = {
    "id": 7,
    "task": "webhooks.deliver",
    "queue": "default",
    "args": {},
    "org_id": None,
    "tries": 5,
    "error": "ConnectionResetError",
    "trace": ["/srv/crm/webhooks/jobs.py:31 _deliver"],
    "failed_at": "2026-11-22T10:00:00+00:00",
}


class Crm:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def crm() -> Iterator[Crm]:
    crm = Crm()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer({"data": crm.rows if "before" not in self.path else []})

        def do_POST(self) -> None:
            self.answer({"data": {}})

        def answer(self, body: dict[str, Any]) -> None:
            crm.asked.append(f"{self.command} {self.path}")
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        crm.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield crm
        server.shutdown()
        thread.join()


def run(url: str, folder: Path, retry: int | None = None, *, retry_all: bool = False, as_json: bool = False) -> int:
    return run_jobs(Settings(crm_url=url, data_dir=folder), retry, retry_all=retry_all, as_json=as_json)


def test_they_are_printed_with_where_they_failed(crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(crm.url, tmp_path) == 0
    assert "No job" in capsys.readouterr().out
    crm.rows = [DEAD]
    assert run(crm.url, tmp_path) == 0
    told = capsys.readouterr().out
    assert "webhooks.deliver" in told
    assert "jobs.py:31" in told
    assert run(crm.url, tmp_path, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == [DEAD]


def test_one_or_all_are_tried_again(crm: Crm, tmp_path: Path) -> None:
    assert run(crm.url, tmp_path, 9) == 0
    crm.rows = [DEAD, DEAD | {"id": 8}]
    assert run(crm.url, tmp_path, retry_all=True) == 0
    asked = [line for line in crm.asked if line.startswith("POST")]
    assert asked == [f"POST /internal/jobs/dead/{number}/retry" for number in (9, 7, 8)]


def test_a_crm_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("http://127.0.0.1:9", tmp_path) == 1
    assert "does not answer" in capsys.readouterr().out
