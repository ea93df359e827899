"""`salesos organisation` against a small real server."""

import json
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from salesos.organisations import run_create, run_list
from tests.salesos.small_crm import SmallCrm, small_crm

__all__ = ["small_crm"]

LINK = "http://127.0.0.1:8700/invitation?token=" + "x" * 300
MADE = {"id": "0199-a", "link": LINK, "expires_at": "2026-11-25T00:00:00Z"}


def one(number: int) -> dict[str, Any]:
    times = {"created_at": "2026-11-23T10:00:00Z"}
    return {"id": f"0199-{number}", "name": f"Shop {number}", "slug": f"shop-{number}", "members": number} | times


@pytest.fixture
def settings(small_crm: SmallCrm, tmp_path: Path) -> Settings:
    return Settings(crm_url=small_crm.url, data_dir=tmp_path)


@pytest.mark.parametrize("as_json", [False, True])
def test_an_organisation_is_founded_and_the_link_is_whole(
    small_crm: SmallCrm, settings: Settings, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    small_crm.answers["POST"] = (201, MADE)
    assert run_create(settings, "Shop", "ana@example.com", as_json=as_json) == 0
    told = capsys.readouterr().out
    assert json.loads(told) == MADE if as_json else LINK in told.splitlines()
    assert small_crm.asked == ["POST /internal/organisations"]
    assert small_crm.bodies == [{"name": "Shop", "email": "ana@example.com"}]
    assert small_crm.authorizations[0].startswith("Bearer ")


def test_a_no_is_told(small_crm: SmallCrm, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    small_crm.answers["POST"] = (400, {"code": "invalid_request", "title": "The request is not valid"})
    assert run_create(settings, "", "nobody", as_json=False) == 1
    assert "not valid" in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [False, True])
def test_all_are_listed(
    small_crm: SmallCrm, settings: Settings, capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    small_crm.answers["GET"] = [
        (200, {"organisations": [one(1), one(2)], "next": "0199-2"}),
        (200, {"organisations": [one(3)], "next": None}),
    ]
    assert run_list(settings, as_json=as_json) == 0
    told = capsys.readouterr().out
    if as_json:
        assert json.loads(told) == [one(1), one(2), one(3)]
    else:
        assert "0199-3" in told
    assert small_crm.asked == ["GET /internal/organisations", "GET /internal/organisations?after=0199-2"]


def test_a_crm_that_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    away = Settings(crm_url="http://127.0.0.1:9", data_dir=tmp_path)
    assert run_list(away, as_json=False) == run_create(away, "A", "a@b.c", as_json=False) == 1
    assert "does not answer" in capsys.readouterr().out
