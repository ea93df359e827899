"""`salesos usage` against a small real server."""

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from config.settings import Settings
from salesos.data_folder import DataFolder
from salesos.usage import run_usage
from tests.salesos.small_crm import SmallCrm, small_crm

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


__all__ = ["small_crm"]


def settings(crm_url: str, folder: Path, **changes: Any) -> Settings:
    return Settings(crm_url=crm_url, data_dir=folder, **changes)


def test_days_are_printed_and_only_a_difference_is_a_fault(
    small_crm: SmallCrm, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_crm.answers["GET"] = (200, [ROW, UNKNOWN])
    assert run_usage(settings(small_crm.url, tmp_path, internal_key=SecretStr("k" * 40)), 30, as_json=False) == 0
    told = capsys.readouterr().out
    for part in ("2026-11-22", "120,000", "121,000", "+0.8 %", "not reconciled", "no_report"):
        assert part in told
    assert small_crm.asked == ["GET /internal/usage?days=30"]
    assert small_crm.authorizations == [f"Bearer {'k' * 40}"]
    small_crm.answers["GET"] = (200, [ROW, APART])
    assert run_usage(settings(small_crm.url, tmp_path), 7, as_json=False) == 1
    assert "differs" in capsys.readouterr().out


def test_programs_get_json_alone(small_crm: SmallCrm, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    small_crm.answers["GET"] = (200, [APART])
    assert run_usage(settings(small_crm.url, tmp_path), 7, as_json=True) == 1
    assert json.loads(capsys.readouterr().out) == [APART]


def test_a_folder_s_own_key_opens_the_system_that_runs_in_it(small_crm: SmallCrm, tmp_path: Path) -> None:
    key = DataFolder(tmp_path).keys()["internal_key"]
    small_crm.answers["GET"] = (200, [])
    assert run_usage(settings(small_crm.url, tmp_path), 7, as_json=False) == 0
    assert small_crm.authorizations == [f"Bearer {key}"]


def test_a_crm_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_usage(settings("http://127.0.0.1:9", tmp_path), 7, as_json=False) == 1
    assert "does not answer" in capsys.readouterr().out
