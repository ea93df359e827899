"""`salesos credits` against a small real server."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from events.ids import new_id
from salesos.purse import BadWish, Wish, milli, run_credits

ORG = str(new_id())
CALL = str(new_id())


class Crm:
    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.keys: list[str | None] = []
        self.refuses = False
        self.url = ""


@pytest.fixture
def crm() -> Iterator[Crm]:
    crm = Crm()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer({"balances": {"wallet": 12_500, "held": 0}})

        def do_PUT(self) -> None:
            self.answer({"plan": "pro"})

        def do_POST(self) -> None:
            self.answer({"booked": True, "amount": 2_000, "prices": {"voice_minute": 8_000}})

        def answer(self, body: dict[str, Any]) -> None:
            sent = self.rfile.read(int(self.headers.get("content-length", 0)))
            crm.asked.append((self.command, self.path, json.loads(sent) if sent else None))
            if sent:
                crm.keys.append(self.headers.get("idempotency-key"))
            self.send_response(409 if crm.refuses else 200)
            self.end_headers()
            told = {"code": "refund_too_large", "title": "Too much"} if crm.refuses else {"data": body}
            self.wfile.write(json.dumps(told).encode())

        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        crm.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield crm
        server.shutdown()
        thread.join()


def run(crm: Crm, folder: Path, **wish: str) -> int:
    return run_credits(Settings(crm_url=crm.url, data_dir=folder), Wish(**({"organisation": ORG} | wish)))


def test_balances_are_shown(crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(crm, tmp_path) == 0
    assert "12.5" in capsys.readouterr().out
    assert crm.asked == [("GET", f"/internal/organisations/{ORG}/credits", None)]


def test_credits_are_put_in_and_given_back(crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(crm, tmp_path, add="7.25", reference="invoice-1") == 0
    assert run(crm, tmp_path, refund=CALL, amount="2", reason="bad line") == 0
    assert run(crm, tmp_path, refund=CALL, reason="bad line") == 0
    assert "Given back: 2." in capsys.readouterr().out
    refunds = f"/internal/organisations/{ORG}/calls/{CALL}/refunds"
    assert [asked for asked in crm.asked if asked[0] == "POST"] == [
        ("POST", f"/internal/organisations/{ORG}/credits", {"amount": 7_250, "reference": "invoice-1"}),
        ("POST", refunds, {"reason": "bad line", "amount": 2_000}),
        ("POST", refunds, {"reason": "bad line"}),
    ]
    assert len(set(crm.keys)) == 3
    assert None not in crm.keys


def test_the_plan_is_changed(crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(crm, tmp_path, plan="pro") == 0
    assert "The plan is pro." in capsys.readouterr().out
    assert crm.asked[0] == ("PUT", f"/internal/organisations/{ORG}/plan", {"plan": "pro"})


def test_a_price_of_its_own(crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(crm, tmp_path, price="voice_minute=8", since="2027-01-01T00:00:00Z") == 0
    assert run(crm, tmp_path, price="voice_minute=plan") == 0
    assert "Prices now: voice_minute 8." in capsys.readouterr().out
    assert [body for method, _, body in crm.asked if method == "POST"] == [
        {"resource": "voice_minute", "price": 8_000, "from": "2027-01-01T00:00:00Z"},
        {"resource": "voice_minute", "price": None},
    ]


@pytest.mark.parametrize(
    ("wish", "remedy"),
    [
        ({"organisation": "demo"}, "by its id"),
        ({"add": "5"}, "--reference"),
        ({"add": "5", "reference": "a", "refund": CALL}, "one of"),
        ({"refund": CALL}, "--reason"),
        ({"refund": CALL, "reason": "x", "amount": "0.0001"}, "--amount"),
        ({"reference": "a"}, "--add"),
        ({"since": "now"}, "--since with --price"),
        ({"price": "8"}, "RESOURCE=CREDITS"),
        ({"price": "voice_minute=0"}, "--price must be"),
    ],
)
def test_a_bad_wish_says_what_to_do(
    crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str], wish: dict[str, str], remedy: str
) -> None:
    assert run(crm, tmp_path, **wish) == 2
    assert remedy in capsys.readouterr().out
    assert not any(asked[0] == "POST" for asked in crm.asked)


def test_what_the_crm_refuses_is_told(crm: Crm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    crm.refuses = True
    assert run(crm, tmp_path, refund=CALL, reason="bad line") == 1
    assert "Too much" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "ten", "-1", "0", "NaN", "Infinity", "1e-9", "0.0005"])
def test_an_amount_that_is_none(text: str) -> None:
    with pytest.raises(BadWish, match="--add must be"):
        milli(text, "--add")
