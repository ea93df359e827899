"""`salesos jobs` against a small real server."""

import json
from pathlib import Path

import pytest

from config.settings import Settings
from salesos.dead_jobs import run_jobs
from tests.salesos.small_crm import SmallCrm, small_crm

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


__all__ = ["small_crm"]


def run(url: str, folder: Path, retry: int | None = None, *, retry_all: bool = False, as_json: bool = False) -> int:
    return run_jobs(Settings(crm_url=url, data_dir=folder), retry, retry_all=retry_all, as_json=as_json)


def test_they_are_printed_with_where_they_failed(
    small_crm: SmallCrm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_crm.answers["GET"] = (200, [])
    assert run(small_crm.url, tmp_path) == 0
    assert "No job" in capsys.readouterr().out
    small_crm.answers["GET"] = (200, [DEAD])
    assert run(small_crm.url, tmp_path) == 0
    told = capsys.readouterr().out
    assert "webhooks.deliver" in told
    assert "jobs.py:31" in told
    assert run(small_crm.url, tmp_path, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == [DEAD]


def test_one_or_all_are_tried_again(small_crm: SmallCrm, tmp_path: Path) -> None:
    small_crm.answers = {"POST": (200, {}), "GET": (200, [DEAD, DEAD | {"id": 8}])}
    assert run(small_crm.url, tmp_path, 9) == 0
    assert run(small_crm.url, tmp_path, retry_all=True) == 0
    asked = [line for line in small_crm.asked if line.startswith("POST")]
    assert asked == [f"POST /internal/jobs/dead/{number}/retry" for number in (9, 7, 8)]


def test_a_crm_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("http://127.0.0.1:9", tmp_path) == 1
    told = capsys.readouterr().out
    assert "does not answer" in told
    assert "salesos up" in told
