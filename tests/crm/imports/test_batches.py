"""Rows put together for COPY, bounded, with those that share a key in rounds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.custom_fields.kinds import Definitions
from crm.imports import batches as module
from crm.imports.batches import COLUMNS, ROUNDS_MAX, Batch, batches
from crm.imports.csv_rows import Form, RowReader
from crm.imports.plan import Plan
from crm.imports.rows import RowCheck
from crm.pipelines.known import Places

PLAN = Plan({0: ("name",), 1: ("email",), 2: ("notes",)}, match_on=("email",))


def cut(text: str, plan: Plan = PLAN, rows_max: int = 1_000) -> list[Batch]:
    reader = RowReader([text.encode()], Form("utf-8"))
    return list(
        batches(reader, RowCheck(plan, ("name", "email", "notes"), {}, Places([]), Definitions()), plan, rows_max)
    )


def copied(batch: Batch) -> list[dict[str, Any]]:
    """Read COPY's text format as Postgres does."""
    found = []
    for line in batch.copy.decode().split("\n")[:-1]:
        cells = [_plain(cell) for cell in line.split("\t")]
        found.append(dict(zip(COLUMNS, cells, strict=True)))
    return found


def _plain(cell: str) -> str:
    for told, kept in (("\\\\", "\x00"), ("\\t", "\t"), ("\\n", "\n"), ("\\r", "\r"), ("\x00", "\\")):
        cell = cell.replace(told, kept)
    return cell


@given(st.lists(st.text(st.sampled_from('ab\\\t\n\r"ntN.'), min_size=1, max_size=6).filter(str.strip), max_size=6))
def test_what_is_copied_is_what_was_in_the_row(notes: list[str]) -> None:
    quoted = ['"' + note.replace('"', '""') + '"' for note in notes]
    text = "".join(f"A,a{number}@x.co,{note}\n" for number, note in enumerate(quoted))
    rows = [row for batch in cut(text) for row in copied(batch)]
    assert [row["notes"] for row in rows] == [note.strip() for note in notes]


def test_batches_are_of_so_many_rows_and_end_where_the_next_begins() -> None:
    text = "".join(f"A,a{number}@x.co,\n" for number in range(7))
    found = cut(text, rows_max=3)
    assert [batch.rows for batch in found] == [3, 3, 1]
    assert [batch.place.offset for batch in found] == [33, 66, 77]
    assert [batch.place.rows for batch in found] == [3, 6, 7]


def test_batches_are_of_so_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BYTES_MAX", 10_000)
    note = "x" * 3_000
    found = cut("".join(f"A,a{number}@x.co,{note}\n" for number in range(10)))
    assert max(len(batch.copy) for batch in found) < 14_000
    assert sum(batch.rows for batch in found) == 10


def test_rows_with_one_key_go_in_rounds_and_in_batches() -> None:
    text = "".join(f"A{number},same@x.co,\n" for number in range(ROUNDS_MAX + 2))
    first, second = cut(text)
    assert [row["round"] for row in copied(first)] == [str(number) for number in range(ROUNDS_MAX)]
    assert (first.rounds, first.rows, second.rounds, second.rows) == (ROUNDS_MAX, ROUNDS_MAX, 2, 2)
    assert first.place.rows == ROUNDS_MAX, "the row that waited is read again after a stop"
    always = Plan(PLAN.mapping, ("email",), "create")
    assert [batch.rounds for batch in cut(text, always)] == [ROUNDS_MAX, 2], "an address is one lead's in any case"
    assert [batch.rounds for batch in cut(text.replace("same@x.co", ""), always)] == [1]


def test_bad_rows_are_copied_with_their_faults_and_cells() -> None:
    (batch,) = cut('Ana,a@x.co,\n,b@x.co,"x\ty"\n')
    good, bad = copied(batch)
    assert (batch.rows, batch.bad, batch.rounds, set(batch.records)) == (2, 1, 1, {1})
    assert (good["faults"], bad["faults"]) == ("", '[{"field":"name","fault":"is empty"}]')
    assert bad["cells"] == '["","b@x.co","x\\ty"]'
    assert bad["name"] == ""


def test_a_file_of_bad_rows_only_needs_no_round() -> None:
    (batch,) = cut(",,x\n")
    assert (batch.rounds, batch.bad) == (0, 1)
