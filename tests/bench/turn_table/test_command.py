"""The command as its user runs it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.command import app
from tests.bench.turn_table.test_sound import wav


def test_a_file_gives_a_table_a_line_and_figures(tmp_path: Path) -> None:
    recording = tmp_path / "call.wav"
    recording.write_bytes(wav(2))
    result = CliRunner().invoke(app, ["turn-table", str(recording), "--json", str(tmp_path / "tables.json")])
    assert result.exit_code == 0
    assert result.stdout.startswith("call, 1.00 s\n")
    assert result.stdout.splitlines()[-2].split()[:2] == ["recording", "gap"]
    (table,) = json.loads((tmp_path / "tables.json").read_text())
    assert [row["who"] for row in table["rows"]] == ["caller", "agent"]
    assert CliRunner().invoke(app, ["turn-table", "--no-rows", str(recording)]).stdout.count("\n") == 2


def test_what_cannot_be_read_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESOS_DATA_DIR", str(tmp_path))
    result = CliRunner().invoke(app, ["turn-table", "01a20881-7535-745b-a16b-cb3f2c7c4bf9"])
    assert result.exit_code == 1
    assert result.stderr.startswith("salesos bench turn-table: no system runs in ")
    assert result.stderr.count("\n") == 1
