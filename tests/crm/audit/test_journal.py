"""The file that entries wait in: whose it is, what a crash leaves, and what becomes of a full disk."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from crm.audit import journal as journals
from crm.audit.journal import Journal


def test_entries_come_back_in_their_order(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "audit")
    assert journal.take() == [], "and no folder is made for nothing"
    assert not (tmp_path / "audit").exists()
    for number in range(3):
        journal.append({"n": number})
    [first] = journal.take()
    journal.append({"n": 3})
    assert [entry["n"] for entry in journal.read(first)] == [0, 1, 2]
    journal.drop(first)
    [second] = journal.take()
    assert journal.read(second) == [{"n": 3}]
    journal.close()


PROGRAM = """
import os, signal, sys
from pathlib import Path
from crm.audit.journal import Journal
journal = Journal(Path(sys.argv[1]))
journal.append({"n": 1})
journal.append({"n": 2})
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_wrote_is_taken_up(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == -9
    [left] = tmp_path.glob("*.ndjson")
    with left.open("ab") as torn:
        torn.write(b'{"n": 3')
    journal, other = Journal(tmp_path), Journal(tmp_path)
    [path] = journal.take()
    assert other.take() == [], "it has one owner"
    with capture_logs() as logs:
        assert journal.read(path) == [{"n": 1}, {"n": 2}]
    assert [line["event"] for line in logs] == ["audit.torn_line"]
    journal.close()
    assert other.take() == [path], "until that one is gone"
    other.close()


def test_a_full_journal_loses_and_counts_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journals, "BYTES_MAX", 20)
    journal = Journal(tmp_path)
    with capture_logs() as logs:
        for number in range(4):
            journal.append({"n": number})
    assert journal.lost == 2
    assert [(line["event"], line["log_level"]) for line in logs] == [("audit.entries_lost", "critical")]
    [path] = journal.take()
    journal.drop(path)
    journal.append({"n": 4})
    [path] = journal.take()
    assert journal.read(path) == [{"n": 4}]
    journal.close()


def test_a_folder_that_cannot_be_made_fails_no_request(tmp_path: Path) -> None:
    (tmp_path / "audit").write_text("a file")
    journal = Journal(tmp_path / "audit")
    journal.append({"n": 1})
    assert journal.lost == 1
    assert os.listdir(tmp_path) == ["audit"]
