"""What a file's beginning tells of it."""

import pytest

from crm.imports.csv_rows import BadFile, Form
from crm.imports.shape import SAMPLE_BYTES, SAMPLE_ROWS, names_of, shape_of


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "cp1252"])
def test_delimiters(delimiter: str, encoding: str) -> None:
    other = ";" if delimiter != ";" else ","
    rows = [["name", "city", "words"], ["José", "a, b; c|d", "x"], ["Ana", f"d{other}e", "y"]]
    text = "".join(delimiter.join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)
    shape = shape_of(text.encode(encoding), encoding, whole=True)
    assert shape.form == Form(encoding, delimiter, "\n")
    assert (shape.has_header, shape.names) == (True, ("name", "city", "words"))
    assert [list(row) for row in shape.rows] == rows[1:]


def test_a_file_of_one_column_and_old_line_ends() -> None:
    shape = shape_of(b"email\ra@x.com\rb@x.com\r", "utf-8", whole=True)
    assert (shape.form, shape.names) == (Form("utf-8", ",", "\r"), ("email",))
    assert shape.rows == (("a@x.com",), ("b@x.com",))


@pytest.mark.parametrize(
    "text", ["Ana,ana@x.com\nBob,b@x.com\n", "Ana,+1 202 555 0199\nBob,+12025550198\n", "5,7\n8,1234\n"]
)
def test_without_a_header_columns_get_numbers(text: str) -> None:
    shape = shape_of(text.encode(), "utf-8", whole=True)
    assert (shape.has_header, shape.names, len(shape.rows)) == (False, ("Column 1", "Column 2"), 2)


def test_only_the_beginning_is_looked_at() -> None:
    content = b"name,note\n" + b"a,b\n" * SAMPLE_BYTES
    shape = shape_of(content, "utf-8", whole=True)
    assert len(shape.rows) == SAMPLE_ROWS
    # Where more follows, the last line may be half of one.
    assert shape_of(b"name,note\na,b\nc,", "utf-8", whole=False).rows == (("a", "b"),)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"\n\n", "no_rows"),
        (b"a," * 600 + b"\n1,2\n", "too_many_columns"),
        (b'"na"me,b\nx,y\n', "bad_first_row"),
        (b"x" * (SAMPLE_BYTES + 1), "line_too_long"),
    ],
)
def test_what_is_no_table(content: bytes, code: str) -> None:
    with pytest.raises(BadFile) as fault:
        shape_of(content, "utf-8", whole=code != "line_too_long")
    assert fault.value.code == code


def test_names_are_told_apart() -> None:
    assert names_of(["Phone", "", " Phone ", "a\n b"], has_header=True) == ("Phone", "Column 2", "Phone 2", "a b")
