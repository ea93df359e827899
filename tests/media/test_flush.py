"""Flushing many files at once: all of them, and whoever failed is named."""

import os
from pathlib import Path

import pytest

from media.recording import flush as module
from media.recording.flush import FEW, flush


def opened(folder: Path, count: int) -> dict[str, int]:
    files = {}
    for number in range(count):
        path = folder / str(number)
        files[path.name] = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(files[path.name], b"x" * 1_000)
    return files


@pytest.mark.parametrize("count", [0, 1, FEW, FEW + 1, 40])
def test_any_number_is_flushed(tmp_path: Path, count: int) -> None:
    assert flush(opened(tmp_path, count)) == {}


@pytest.mark.parametrize("count", [FEW - 1, 3 * FEW])
def test_whose_file_cannot_be_flushed_is_named(tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # As a file system does that lost a write: it says that something failed, not what.
    monkeypatch.setattr(module, "_SYNCFS", lambda _handle: -1)
    files = opened(tmp_path, count) | {"broken": os.open("/dev/full", os.O_WRONLY)}  # it knows no flushing
    failed = flush(files)
    assert list(failed) == ["broken"]
    assert isinstance(failed["broken"], OSError)


def test_a_system_without_syncfs_flushes_one_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SYNCFS", None)
    assert flush(opened(tmp_path, 3 * FEW)) == {}
