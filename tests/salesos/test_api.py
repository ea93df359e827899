"""The client of the running system, against a small real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from salesos.api import LEADS_PER_PAGE, Api, ApiRefused, ApiUnreachable
from salesos.embedded.engine import free_port


class Script:
    """What the server answers, path by path, and what it was asked."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, Any]] = {}
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.url = ""


@pytest.fixture
def script() -> Iterator[Script]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length)) if length else None
            script.asked.append((self.path, dict(self.headers), body))
            status, answer = script.answers.get(self.path, (404, {"code": "not_found"}))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(answer.encode() if isinstance(answer, str) else json.dumps(answer).encode())

        do_GET = do_POST = _answer

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        script.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield script
        server.shutdown()
        thread.join()


def test_requests_carry_the_token_and_a_dial_a_key_of_its_own(script: Script) -> None:
    script.answers["/api/sessions"] = (201, {"data": {"token": "T"}})
    script.answers["/api/calls"] = (201, {"data": {"call_id": "C"}})
    with Api(script.url, "") as api:
        api.sign_in("demo@example.com", "secret")
        assert api.place_call({"to": "+12125550100"}) == {"call_id": "C"}
        api.place_call({"to": "+12125550100"})
    first, second = (headers for path, headers, _ in script.asked if path == "/api/calls")
    assert first["Authorization"] == "Bearer T"
    assert first["Idempotency-Key"] != second["Idempotency-Key"]


def test_a_token_that_ran_out_is_exchanged_once(script: Script) -> None:
    script.answers["/api/sessions"] = (201, {"data": {"token": "T"}})
    script.answers["/api/sessions/refresh"] = (200, {"data": {"token": "U"}})
    script.answers["/api/ledger"] = (401, {"code": "not_signed_in"})
    with Api(script.url, "") as api:
        with pytest.raises(ApiRefused, match="not_signed_in"):
            api.ledger()
        assert [path for path, _, _ in script.asked] == ["/api/ledger"], "nobody has signed in"
        api.sign_in("demo@example.com", "secret")
        with pytest.raises(ApiRefused, match="not_signed_in"):
            api.ledger()
    told = [(path, headers.get("Authorization")) for path, headers, _ in script.asked[2:]]
    refreshed = ("/api/sessions/refresh", None)
    assert told == [("/api/ledger", "Bearer T"), refreshed, ("/api/ledger", "Bearer U")]


def test_a_refusal_tells_its_code_title_and_details(script: Script) -> None:
    answer = {"code": "no_credit", "title": "The wallet does not pay", "details": {"balance": 3}}
    script.answers["/api/calls"] = (402, answer)
    with Api(script.url, "") as api, pytest.raises(ApiRefused) as refused:
        api.place_call({"lead_id": "L"})
    assert refused.value.code == "no_credit"
    assert str(refused.value) == 'placing the call: The wallet does not pay {"balance": 3} (no_credit)'


@pytest.mark.parametrize("answer", ["<html>gateway</html>", [], {}])
def test_an_error_in_a_strange_shape_is_still_a_refusal(script: Script, answer: object) -> None:
    script.answers["/api/calls/1"] = (502, answer)
    with Api(script.url, "") as api, pytest.raises(ApiRefused, match="502"):
        api.call("1")


def test_nobody_there_is_told_with_the_address() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    with Api(url, "") as api, pytest.raises(ApiUnreachable, match=url):
        api.call("1")


def test_used_numbers_are_read_page_by_page(script: Script) -> None:
    full = [{"phone": f"+1212555{line:04d}"} for line in range(LEADS_PER_PAGE)]
    script.answers["/api/leads?page=1&limit=100"] = (200, {"data": full})
    script.answers["/api/leads?page=2&limit=100"] = (200, {"data": [{"phone": "+13105550100"}, {"phone": None}]})
    with Api(script.url, "") as api:
        numbers = api.used_numbers()
    assert len(numbers) == LEADS_PER_PAGE + 2
    assert "+13105550100" in numbers


def test_a_persona_is_put_on_a_line_with_its_file(script: Script, tmp_path: Path) -> None:
    script.answers["/box/lines"] = (201, {})
    with Api("", script.url) as api:
        api.box.assign_line("+12125550100", "caller_wav", tmp_path / "me.wav")
    assert script.asked[0][2] == {
        "number": "+12125550100",
        "persona": "caller_wav",
        "wav_path": str(tmp_path / "me.wav"),
    }


def test_events_come_in_pages_with_a_mark(script: Script) -> None:
    page = {"events": [{"id": "1:1"}], "next": "1:1", "closed": False}
    script.answers["/api/calls/C/events?after=0:0"] = (200, {"data": page})
    with Api(script.url, "") as api:
        found = api.events("C", "0:0")
    assert (found.events, found.next_mark, found.closed) == ([{"id": "1:1"}], "1:1", False)
