"""`salesos usage` against a small real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import Settings
from salesos.data_folder import DataFolder
from salesos.usage import run_usage

ROW = {
    "day": "2026-11-22",
    "provider": "openai",
    "state": "agrees",
    "reason": "",
    "our_requests": 3,
    "our_tokens": 120_000,
    "our_estimated_tokens": 0,
    "their_requests": 3,
    "their_tokens": 121_000,
    "difference": 0.00826,
    "checked_at": "2026-11-23T06:00:00+00:00",
}
APART = ROW | {"provider": "anthropic", "state": "differs", "their_tokens": 150_000, "difference": 0.2}
UNKNOWN = ROW | {
    "provider": "gemini",
    "state": "not_reconciled",
    "reason": "no_report",
    "their_tokens": None,
    "difference": None,
}


class Crm:
    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str]] = []
        self.url = ""


@pytest.fixture
def crm() -> Iterator[Crm]:
    crm = Crm()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            crm.asked.append((self.path, self.headers.get("Authorization", "")))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": crm.rows}).encode())

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        crm.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield crm
        server.shutdown()
        thread.join()


def settings(crm_url: str, folder: Path, **changes: Any) -> Settings:
    return Settings(crm_url=crm_url, data_dir=folder, **changes)


def test_days_are_printed_and_only_a_difference_is_a_fault(
    crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    crm.rows = [ROW, UNKNOWN]
    assert run_usage(settings(crm.url, tmp_path, internal_key=SecretStr("k" * 40)), 30, as_json=False) == 0
    told = capsys.readouterr().out
    for part in ("2026-11-22", "120,000", "121,000", "+0.8 %", "not reconciled", "no_report"):
        assert part in told
    assert crm.asked == [("/internal/usage?days=30", f"Bearer {'k' * 40}")]
    crm.rows = [ROW, APART]
    assert run_usage(settings(crm.url, tmp_path), 7, as_json=False) == 1
    assert "differs" in capsys.readouterr().out


def test_programs_get_json_alone(crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crm.rows = [APART]
    assert run_usage(settings(crm.url, tmp_path), 7, as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == [APART]


def test_a_folder_s_own_key_opens_the_system_that_runs_in_it(crm: Crm, tmp_path: Path) -> None:
    key = DataFolder(tmp_path).keys()["internal_key"]
    assert run_usage(settings(crm.url, tmp_path), 7, as_json=False) == 0
    assert crm.asked[0][1] == f"Bearer {key}"


def test_a_crm_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_usage(settings("http://127.0.0.1:9", tmp_path), 7, as_json=False) == 1
    assert "does not answer" in capsys.readouterr().out
