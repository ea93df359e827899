"""How a subcommand ends: with what was asked for, or with one line."""

import json
from pathlib import Path

import pytest
import typer

from bench.outcome import failing_with, give
from bench.report_page import Page


def test_only_the_files_that_were_asked_for_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def never() -> Page:
        raise AssertionError("no page was asked for")

    give("a table", {"calls": 3}, never, tmp_path / "figures.json", None)
    assert capsys.readouterr().out == "a table\n"
    assert json.loads((tmp_path / "figures.json").read_text()) == {"calls": 3}
    assert [path.name for path in tmp_path.iterdir()] == ["figures.json"]


def test_an_expected_failure_is_one_line_and_another_is_not_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, failing_with("load", OSError):
        raise OSError("no server")
    assert ended.value.exit_code == 1
    assert capsys.readouterr().err == "salesos bench load: no server\n"
    with pytest.raises(KeyError), failing_with("load", OSError):
        raise KeyError("a bug")
