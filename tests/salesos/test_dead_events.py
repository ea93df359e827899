"""`salesos events` against a small real server."""

import json
from pathlib import Path
from uuid import UUID

import pytest

from config.settings import Settings
from salesos.dead_events import Wish, run_events
from tests.salesos.small_crm import SmallCrm, small_crm

FIRST, SECOND = "01a20a05-1ed3-703d-93b5-94ce532f4276", "01a20a05-1ede-72c5-a210-b4712bfbcba8"
DEAD = {
    "id": SECOND,
    "org_id": None,
    "call_id": None,
    "stream": "events:03",
    "entry_id": "1-1",
    "why": "unreadable",
    "cause": "unreadable: of a kind to come",
    "times": 3,
    "at": "2026-11-22T10:00:00+00:00",
}

__all__ = ["small_crm"]


def run(crm: SmallCrm, folder: Path, wish: Wish = Wish(), *, as_json: bool = False) -> int:  # noqa: B008 - frozen
    return run_events(Settings(crm_url=crm.url, data_dir=folder), wish, as_json=as_json)


def test_they_are_printed(small_crm: SmallCrm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_crm.answers["GET"] = (200, [])
    assert run(small_crm, tmp_path) == 0
    assert "Every event was applied" in capsys.readouterr().out
    small_crm.answers["GET"] = (200, [DEAD])
    assert run(small_crm, tmp_path) == 0
    assert "of a kind to" in capsys.readouterr().out
    assert run(small_crm, tmp_path, Wish(call=UUID(FIRST)), as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == [DEAD]
    assert small_crm.asked[-1] == f"GET /internal/events/dead?limit=100&call_id={FIRST}"


def test_all_are_tried_from_the_oldest_on_and_those_that_stay_are_told(
    small_crm: SmallCrm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_crm.answers |= {"GET": (200, [DEAD, DEAD | {"id": FIRST}]), "POST": (200, {"done": "applied"})}
    assert run(small_crm, tmp_path, Wish(retry_all=True)) == 0
    asked = [line for line in small_crm.asked if line.startswith("POST")]
    assert asked == [f"POST /internal/events/dead/{one}/retry" for one in (FIRST, SECOND)]
    assert f"{FIRST}: applied" in capsys.readouterr().out
    small_crm.answers["POST"] = (409, {"code": "dead_event_fails", "title": "The event cannot be applied yet"})
    assert run(small_crm, tmp_path, Wish(retry=UUID(FIRST))) == 1
    assert "cannot be applied yet" in capsys.readouterr().out


def test_one_is_given_up(small_crm: SmallCrm, tmp_path: Path) -> None:
    small_crm.answers["DELETE"] = (200, {"id": FIRST})
    assert run(small_crm, tmp_path, Wish(discard=UUID(FIRST))) == 0
    assert small_crm.asked == [f"DELETE /internal/events/dead/{FIRST}"]


def test_a_crm_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_events(Settings(crm_url="http://127.0.0.1:9", data_dir=tmp_path), Wish(), as_json=False) == 1
    assert "does not answer" in capsys.readouterr().out
