"""`salesos bench turns` as it is typed wrongly."""

from pathlib import Path

from typer.testing import CliRunner

from bench.command import app


def test_a_recording_that_is_none_is_named_before_anything_is_measured(tmp_path: Path) -> None:
    bad = tmp_path / "noise.wav"
    bad.write_bytes(b"RIFF")
    told = CliRunner().invoke(app, ["turns", "--recordings", str(bad), "--no-peer"])
    assert told.exit_code == 1
    assert "noise.wav" in told.output
