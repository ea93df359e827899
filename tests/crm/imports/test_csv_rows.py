"""Rows out of bytes: split anywhere, in any encoding, bounded against bombs, and gone on with from any place."""

import csv
import io
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.imports.csv_rows import (
    COLUMNS_MAX,
    FIELD_CHARS_MAX,
    LINE_BYTES_MAX,
    ROW_CHARS_MAX,
    BadFile,
    Form,
    Place,
    Record,
    RowReader,
)

UTF8 = Form("utf-8")
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8)
# A row whose cells are all empty counts as blank.
ROWS = st.lists(st.lists(CELL, min_size=1, max_size=4).filter(any), max_size=8)


def split(content: bytes, step: int) -> list[bytes]:
    return [content[first : first + step] for first in range(0, len(content), step)]


def read(content: bytes, form: Form = UTF8, step: int = 10) -> list[Record]:
    return list(RowReader(split(content, step), form))


def cells(content: bytes, form: Form = UTF8, step: int = 10) -> list[list[str]]:
    return [record.cells or [record.fault] for record in read(content, form, step)]


def written(rows: list[list[str]], delimiter: str, newline: str) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator=newline, quoting=csv.QUOTE_ALL).writerows(rows)
    return text.getvalue()


@given(
    ROWS,
    st.sampled_from(["utf-8", "utf-16-le", "utf-16-be"]),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 40),
)
def test_what_was_written_is_read_however_it_is_split(
    rows: list[list[str]], encoding: str, delimiter: str, newline: str, step: int
) -> None:
    content = written(rows, delimiter, newline).encode(encoding)
    assert cells(content, Form(encoding, delimiter), step) == rows


@given(ROWS, st.sampled_from(["utf-8", "utf-16-le"]), st.integers(1, 40), st.integers(0, 8))
def test_reading_goes_on_from_the_place_behind_any_row(
    rows: list[list[str]], encoding: str, step: int, stop: int
) -> None:
    content, form = written(rows, ",", "\r\n").encode(encoding), Form(encoding)
    first = RowReader(split(content, step), form)
    before = list(islice(first, stop))
    place = first.place
    after = list(RowReader(split(content[place.offset :], step), form, place))
    assert before + after == read(content, form, step)


@given(st.binary(max_size=300), st.sampled_from(["utf-8", "cp1252", "utf-16-be"]), st.integers(1, 50))
def test_any_bytes_are_rows_or_one_fault(content: bytes, encoding: str, step: int) -> None:
    def outcome(at_once: int) -> object:
        try:
            return read(content, Form(encoding), at_once)
        except BadFile as fault:
            return fault.code, fault.line

    assert outcome(step) == outcome(1_000)


@pytest.mark.parametrize("step", range(1, 30))
def test_a_quoted_line_end_and_a_quoted_quote_may_lie_on_the_border_of_two_pieces(step: int) -> None:
    content = b'a,"b ""c""\r\nd, e",f\r\ng,h,i\r\n'
    assert cells(content, step=step) == [["a", 'b "c"\r\nd, e', "f"], ["g", "h", "i"]]


def test_old_line_ends_blank_lines_and_a_last_line_without_an_end() -> None:
    assert cells(b"a,b\rc,d", Form("utf-8", newline="\r")) == [["a", "b"], ["c", "d"]]
    assert cells("a,b\rc,d\r".encode("utf-16-le"), Form("utf-16-le", newline="\r")) == [["a", "b"], ["c", "d"]]
    records = read(b"a,b\n\n,\n\r\nc,d")
    assert [(record.number, record.line, record.cells) for record in records] == [
        (1, 1, ["a", "b"]),
        (2, 5, ["c", "d"]),
    ]


def test_a_quote_that_is_never_closed_takes_no_more_than_a_bound() -> None:
    long = b"x,y\n" * (FIELD_CHARS_MAX // 4 - 10)
    found = read(b'a,b\nc,"d\n' + long + b"e,f\n" * 60, step=65_536)
    assert found[0].cells == ["a", "b"]
    assert (found[1].number, found[1].line) == (2, 2)
    assert "not closed" in found[1].fault
    assert found[-1].cells == ["e", "f"], "what comes behind is read"
    (only,) = read(b'a,"b')
    assert "not closed" in only.fault


def test_many_lines_within_quotes_are_one_row_that_is_too_long() -> None:
    field = b'"' + b"z\n" * (FIELD_CHARS_MAX // 2 - 10) + b'"'
    (found,) = read(b",".join([field] * 3) + b"\n", step=65_536)
    assert 3 * FIELD_CHARS_MAX > ROW_CHARS_MAX
    assert "too long" in found.fault


def test_text_behind_a_closing_quote_is_a_bad_row() -> None:
    bad, good = read(b'"a"b,c\nd,e\n')
    assert "closing quote" in bad.fault
    assert good.cells == ["d", "e"]


def test_column_bombs() -> None:
    bomb, good = read(b"," * COLUMNS_MAX + b"x\na,b\n", step=1_000)
    assert str(COLUMNS_MAX) in bomb.fault
    assert good.cells == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_line_bombs(encoding: str) -> None:
    taken = 0

    def endless() -> object:
        nonlocal taken
        yield "a,b\n".encode(encoding)
        while True:
            taken += 65_536
            yield b"x" * 65_536

    with pytest.raises(BadFile) as fault:
        list(RowReader(endless(), Form(encoding)))  # type: ignore[arg-type]  # it yields bytes
    assert (fault.value.code, fault.value.line) == ("line_too_long", 2)
    assert taken <= LINE_BYTES_MAX + 2 * 65_536, "no more of it is kept"


def test_a_wrong_encoding_names_its_line() -> None:
    with pytest.raises(BadFile) as fault:
        read(b"a,b\nc,\xff\n")
    assert (fault.value.code, fault.value.line) == ("wrong_encoding", 2)


def test_a_place_counts_bytes_lines_and_rows() -> None:
    reader = RowReader([b'a,b\n"c\nd",e\nf,g\n'], UTF8)
    next(iter(reader)), next(iter(reader))
    assert reader.place == Place(12, 3, 2)
