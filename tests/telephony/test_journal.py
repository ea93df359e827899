"""Events on disk: what a killed process or a full disk leaves can be read."""

import errno
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import call as events
from events.ids import new_id
from telephony import journal


def made(count: int) -> list[events.Event]:
    org, call = new_id(), new_id()
    return [events.Event(org, call, 1, seq, datetime.now(UTC), events.Metered(seq * 10)) for seq in range(1, count + 1)]


def test_what_is_appended_is_read_back(tmp_path: Path) -> None:
    written = made(5)
    path = journal.key_of(written[0]).path(tmp_path)
    assert journal.append({path: [events.encode(event) for event in written[:2]]}) == {}
    assert journal.append({path: [events.encode(event) for event in written[2:]]}) == {}
    assert journal.read(path) == written
    assert journal.leftovers(tmp_path) == {journal.key_of(written[0]): path}


@given(cut=st.integers(1, 200))
def test_a_torn_tail_loses_only_what_was_torn(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("journal") / "torn.journal"
    written = made(4)
    assert journal.append({path: [events.encode(event) for event in written]}) == {}
    raw = path.read_bytes()
    path.write_bytes(raw[: max(0, len(raw) - cut)])
    found = journal.read(path)
    assert found == written[: len(found)]
    assert len(found) >= 4 - 1 - cut // (len(raw) // 4)


def test_an_altered_byte_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "altered.journal"
    written = made(3)
    assert journal.append({path: [events.encode(event) for event in written]}) == {}
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(bytes(raw))
    assert journal.read(path) == written[:1]


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.journal").write_text("hello")
    assert journal.leftovers(tmp_path) == {}


def test_many_calls_are_written_at_once(tmp_path: Path) -> None:
    calls = [made(2) for _ in range(30)]
    batches = {journal.key_of(one[0]).path(tmp_path): [events.encode(event) for event in one] for one in calls}
    assert journal.append(batches) == {}
    assert [journal.read(journal.key_of(one[0]).path(tmp_path)) for one in calls] == calls


def test_a_call_whose_file_cannot_be_written_takes_no_other_with_it(tmp_path: Path) -> None:
    raw = [events.encode(event) for event in made(1)]
    full, nowhere, good = tmp_path / "full.journal", tmp_path / "no" / "folder.journal", tmp_path / "good.journal"
    full.symlink_to("/dev/full")
    failed = journal.append({full: raw, nowhere: raw, good: raw})
    assert {path: error.errno for path, error in failed.items()} == {full: errno.ENOSPC, nowhere: errno.ENOENT}
    assert len(journal.read(good)) == 1


def test_a_write_that_failed_half_way_is_undone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second, third = made(3)
    path = tmp_path / "half.journal"
    assert journal.append({path: [events.encode(first)]}) == {}

    def half(file: FileIO, frames: bytes) -> None:
        file.write(frames[: len(frames) // 2])
        raise OSError(errno.ENOSPC, "no space left")

    with monkeypatch.context() as broken:
        broken.setattr(journal, "_write", half)
        assert path in journal.append({path: [events.encode(second)]})
    assert journal.append({path: [events.encode(third)]}) == {}
    assert journal.read(path) == [first, third]
