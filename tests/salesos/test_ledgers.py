"""`salesos ledger` against a small real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from salesos.ledgers import run_ledgers

DIFFERING = {"org_id": "0199-b", "differences": [{"what": "wallet", "said": 12_000, "found": 11_999}]}


class Crm:
    def __init__(self) -> None:
        self.pages: list[dict[str, Any]] = [{"replayed": 3, "differing": [], "next": None}]
        self.asked: list[str] = []
        self.url = ""


@pytest.fixture
def crm() -> Iterator[Crm]:
    crm = Crm()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            crm.asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps({"data": crm.pages[len(crm.asked) - 1]}).encode())

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        crm.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield crm
        server.shutdown()
        thread.join()


def run(url: str, folder: Path, *, as_json: bool = False) -> int:
    return run_ledgers(Settings(crm_url=url, data_dir=folder), as_json=as_json)


def test_all_is_well(crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(crm.url, tmp_path) == 0
    assert "replayed: 3." in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [False, True])
def test_every_page_is_read_and_what_differs_told(
    crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    crm.pages = [
        {"replayed": 2, "differing": [], "next": "0199-a"},
        {"replayed": 1, "differing": [DIFFERING], "next": None},
    ]
    assert run(crm.url, tmp_path, as_json=as_json) == 1
    told = capsys.readouterr().out
    if as_json:
        assert json.loads(told) == {"replayed": 3, "differing": [DIFFERING]}
    else:
        assert "11,999" in told
    assert crm.asked == ["/internal/ledger/replay", "/internal/ledger/replay?after=0199-a"]


def test_a_crm_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("http://127.0.0.1:9", tmp_path) == 1
    assert "does not answer" in capsys.readouterr().out
