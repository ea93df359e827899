"""Events on disk: what a killed process or a full disk leaves can be read."""

from datetime import UTC, datetime
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
    journal.append(path, [events.encode(event) for event in written[:2]])
    journal.append(path, [events.encode(event) for event in written[2:]])
    assert journal.read(path) == written
    assert journal.leftovers(tmp_path) == {journal.key_of(written[0]): path}


@given(cut=st.integers(1, 200))
def test_a_torn_tail_loses_only_what_was_torn(cut: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("journal") / "torn.journal"
    written = made(4)
    journal.append(path, [events.encode(event) for event in written])
    raw = path.read_bytes()
    path.write_bytes(raw[: max(0, len(raw) - cut)])
    found = journal.read(path)
    assert found == written[: len(found)]
    assert len(found) >= 4 - 1 - cut // (len(raw) // 4)


def test_an_altered_byte_ends_the_reading(tmp_path: Path) -> None:
    path = tmp_path / "altered.journal"
    written = made(3)
    journal.append(path, [events.encode(event) for event in written])
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    path.write_bytes(bytes(raw))
    assert journal.read(path) == written[:1]


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.journal").write_text("hello")
    assert journal.leftovers(tmp_path) == {}
