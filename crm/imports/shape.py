"""What a file's beginning tells: the delimiter, the line ends, whether the first row names the columns. Sans-I/O."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from crm.imports.csv_rows import BadFile, Form, Record, RowReader

# In this order when several fit alike.
DELIMITERS: Final = (",", ";", "\t", "|")
SAMPLE_BYTES: Final = 64 * 1024
SAMPLE_ROWS: Final = 50
CELL_CHARS_SHOWN: Final = 80
# What a value looks like and a column's name does not.
_VALUE: Final = re.compile(r"@|^\+?[\d\s().,/:-]{1,40}$")


@dataclass(frozen=True, slots=True)
class Shape:
    form: Form
    has_header: bool
    names: tuple[str, ...]  # of the columns; made up where the file has none
    rows: tuple[tuple[str, ...], ...]  # of the sample, without the header


def shape_of(sample: bytes, encoding: str, *, whole: bool) -> Shape:
    """Read the beginning of a file.

    Args:
        sample: behind the byte order mark; at most SAMPLE_BYTES of it count.
        whole: nothing follows it in the file; otherwise its last line is left out.

    Raises:
        BadFile: it holds no table, or one with too many columns.
    """
    newline = _newline_of(sample, encoding)
    if len(sample) > SAMPLE_BYTES or not whole:
        end = newline.encode(encoding)
        cut = sample[:SAMPLE_BYTES].rfind(end)
        while cut >= 0 and encoding.startswith("utf-16") and cut % 2:
            cut = sample.rfind(end, 0, cut)
        if cut < 0:
            raise BadFile("line_too_long", 1)
        sample = sample[: cut + len(end)]
    best = max(DELIMITERS, key=lambda mark: _fitness(_read(sample, Form(encoding, mark, newline))))
    form = Form(encoding, best, newline)
    records = _read(sample, form)
    if not records:
        raise BadFile("no_rows", 1)
    if records[0].fault:
        raise BadFile("too_many_columns" if "columns" in records[0].fault else "bad_first_row", records[0].line)
    rows = [record.cells for record in records if not record.fault]
    has_header = _is_header(rows)
    names = names_of(rows[0], has_header=has_header)
    return Shape(form, has_header, names, tuple(tuple(row) for row in rows[1 if has_header else 0 :]))


def names_of(first: Sequence[str], *, has_header: bool) -> tuple[str, ...]:
    """Return the columns' names, each once: "Phone", "Phone 2"."""
    seen: Counter[str] = Counter()
    names = []
    for number, cell in enumerate(first, 1):
        name = " ".join(cell.replace("\x00", "").split())[:CELL_CHARS_SHOWN] if has_header else ""
        name = name or f"Column {number}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(names)


def _newline_of(sample: bytes, encoding: str) -> str:
    # A carriage return alone ends lines in files of old programs only.
    return "\r" if "\n".encode(encoding) not in sample and "\r".encode(encoding) in sample else "\n"


def _read(sample: bytes, form: Form) -> list[Record]:
    # The header and the rows that are shown.
    return list(islice(RowReader([sample], form), SAMPLE_ROWS + 1))


def _fitness(records: list[Record]) -> tuple[float, int]:
    """Return how alike the rows are in their number of columns, then that number; one column fits only if none else."""
    if not records or len(records[0].cells) < 2:
        return (0.0, 1)
    alike = sum(len(record.cells) == len(records[0].cells) for record in records)
    return (alike / len(records), len(records[0].cells))


def _is_header(rows: list[list[str]]) -> bool:
    first = [cell.strip() for cell in rows[0]]
    named = [cell for cell in first if cell]
    if not named or any(_VALUE.search(cell) for cell in named):
        return False
    return len(set(named)) == len(named) or len(rows) > 1
