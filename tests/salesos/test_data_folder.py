"""The data folder: one owner at a time, emptied only when it is ours, secrets for nobody else."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from salesos.data_folder import DataFolder, FolderRefused, Running, is_claimed, read_running

RUNNING = Running(1, "http://crm", "http://voice", "", "demo@example.com", "secret", {"crm": 2})
HOLDER = """
import sys
from pathlib import Path
from salesos.data_folder import DataFolder, Running
folder = DataFolder(Path(sys.argv[1]))
folder.claim(fresh=False)
folder.note_running(Running(4711, "http://there:1", "", "", "", ""))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_claim_names_who_has_it_and_a_killed_holder_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "data"
    words = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_claimed(path)
        with pytest.raises(FolderRefused, match=r"process 4711, http://there:1.*SALESOS_DATA_DIR"):
            DataFolder(path).claim(fresh=False)
        holder.kill()
    assert not is_claimed(path)
    folder = DataFolder(path)
    left_behind = folder.claim(fresh=False)
    assert left_behind is not None
    assert left_behind.pid == 4711
    folder.release()
    folder.release()


def test_fresh_empties_a_folder_of_ours_and_keeps_the_claim(tmp_path: Path) -> None:
    path = tmp_path / "data"
    first = DataFolder(path)
    assert first.claim(fresh=False) is None
    (path / "postgres").mkdir()
    (path / "postgres" / "file").write_text("old")
    (path / "link").symlink_to(tmp_path)
    first.release()

    second = DataFolder(path)
    second.claim(fresh=True)
    assert [item.name for item in path.iterdir()] == ["this-is-salesos-data"]
    assert is_claimed(path)
    assert tmp_path.exists()
    second.release()


def test_a_folder_with_other_files_is_never_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(FolderRefused, match="not ours"):
        DataFolder(tmp_path).claim(fresh=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FolderRefused, match="SALESOS_DATA_DIR"):
        DataFolder(tmp_path / "file" / "data").claim(fresh=False)


def test_what_runs_is_told_to_its_owner_only(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    folder.note_running(RUNNING)
    folder.note_running(RUNNING)
    assert read_running(tmp_path) == RUNNING
    assert stat.S_IMODE(os.stat(tmp_path / "run.json").st_mode) == 0o600
    folder.forget_running()
    folder.forget_running()
    assert read_running(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}', '{"unknown": 1}'])
def test_an_unreadable_note_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert read_running(tmp_path) is None


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    keys = folder.keys()
    assert set(keys) == {"secret_key", "internal_key", "demo_password"}
    assert all(len(key) >= (16 if name == "demo_password" else 32) for name, key in keys.items())
    assert len(set(keys.values())) == 3
    assert folder.keys() == keys
    assert stat.S_IMODE(os.stat(tmp_path / "keys.json").st_mode) == 0o600
