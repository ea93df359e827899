"""The command says what it has no measure for, and does not end well without all of them."""

import json
from pathlib import Path
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from bench.command import app
from bench.crm import measures
from bench.crm.figures import GOALS
from bench.servers import Servers


def no_server(folder: Path) -> NoReturn:
    raise AssertionError(f"nothing is measured, so nothing is started in {folder}")


def test_without_measures_it_says_so_and_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measures, "MEASURES", {})
    arguments = ["crm", "--small", "--json", str(tmp_path / "figures.json")]
    ended = CliRunner().invoke(app, arguments, obj=Servers(no_server, no_server, no_server))
    assert ended.exit_code == 1
    assert json.loads((tmp_path / "figures.json").read_text())["not_measured"] == list(GOALS)
    assert "8 of 8 figures have no measure yet" in ended.output


def test_a_measure_that_is_not_known_is_refused_by_name() -> None:
    ended = CliRunner().invoke(app, ["crm", "--only", "nothing"])
    assert ended.exit_code == 2
    assert "nothing" in ended.output


def test_without_servers_it_says_how_to_get_them() -> None:
    ended = CliRunner().invoke(app, ["crm"])
    assert ended.exit_code == 2
    assert "salesos bench crm" in ended.output
