"""Rows of a CSV file out of its bytes, one after the other, with the place where each ends. Sans-I/O.

Bounded, whatever the file: lines, fields and columns have their most. A place is kept with each row so that reading
goes on behind it after a stop. RFC 4180 with what spreadsheets do: other delimiters, line ends and encodings, and
quotes around line ends.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

# One line, in bytes: more without a line end is no table.
LINE_BYTES_MAX: Final = 512 * 1024
# The parser's own limit; a quote that is never closed ends here, and what it swallowed is one bad row.
FIELD_CHARS_MAX: Final = csv.field_size_limit()
COLUMNS_MAX: Final = 500
# Together with a delimiter each; a row with more is set aside.
ROW_CHARS_MAX: Final = 256 * 1024


class BadFile(Exception):
    """Nothing after that place can be read as a table. `code` is for clients, `line` from 1."""

    def __init__(self, code: str, line: int) -> None:
        super().__init__(code)
        self.code = code
        self.line = line


@dataclass(frozen=True, slots=True)
class Form:
    """How the file is written."""

    encoding: str  # of crm.imports.encodings.ENCODINGS
    delimiter: str = ","
    newline: str = "\n"  # what ends a line; a carriage return before it belongs to it


@dataclass(frozen=True, slots=True)
class Place:
    """Behind a row: the next byte, and how many lines and rows there were."""

    offset: int = 0
    lines: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """One row. `fault` says why it is none: then `cells` is empty."""

    number: int  # from 1, the header included
    line: int  # of the file, from 1, where it begins
    cells: list[str]
    fault: str = ""


class RowReader:
    """Reads rows out of pieces of bytes that begin at `place`. Used once."""

    def __init__(self, pieces: Iterable[bytes], form: Form, place: Place = Place()) -> None:
        self._pieces = pieces
        self._form = form
        self._newline = form.newline.encode(form.encoding)
        self._offset = place.offset
        self._lines = place.lines
        self._rows = place.rows
        self._records = self._read()

    @property
    def place(self) -> Place:
        """Behind the last row that was given out."""
        return Place(self._offset, self._lines, self._rows)

    def __iter__(self) -> Iterator[Record]:
        """Return the rows that are not blank, behind those that were taken before.

        Raises:
            BadFile: on the way; a line is too long, or its bytes are not of the encoding.
        """
        return self._records

    def _read(self) -> Iterator[Record]:
        # Strict, or a quote that is not closed would take the rest of the file for a value.
        reader = csv.reader(self._text_lines(), delimiter=self._form.delimiter, strict=True)
        while True:
            line = self._lines + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                self._rows += 1
                yield Record(self._rows, line, [], _told(error))
                continue
            if not any(cells):
                continue  # a blank line, or the empty rows below a sheet
            self._rows += 1
            if len(cells) > COLUMNS_MAX:
                yield Record(self._rows, line, [], f"has {len(cells)} columns; at most {COLUMNS_MAX} are read")
            elif self._lines > line and sum(map(len, cells)) > ROW_CHARS_MAX:
                # Of one line it is bounded by LINE_BYTES_MAX.
                yield Record(self._rows, line, [], "is too long: a quote in it is not closed, perhaps")
            else:
                yield Record(self._rows, line, cells)

    def _text_lines(self) -> Iterator[str]:
        encoding, newline = self._form.encoding, self._form.newline
        for raw in self._raw_lines():
            self._offset += len(raw)
            try:
                text = raw.decode(encoding)
            except UnicodeDecodeError:
                raise BadFile("wrong_encoding", self._lines + 1) from None
            self._lines += 1
            # The parser takes a carriage return for a line's end only where it is one.
            yield text if newline == "\n" else text.removesuffix(newline) + "\n"

    def _raw_lines(self) -> Iterator[bytes]:
        """Yield lines with their ends. In UTF-8 and in one byte each, no other character holds the end's byte."""
        if self._form.encoding.startswith("utf-16"):
            yield from self._wide_lines()
            return
        rest = b""
        for piece in self._pieces:
            lines = (rest + piece).split(self._newline)
            rest = lines.pop()
            for line in lines:
                if len(line) > LINE_BYTES_MAX:
                    raise BadFile("line_too_long", self._lines + 1)
                yield line + self._newline
            if len(rest) > LINE_BYTES_MAX:
                raise BadFile("line_too_long", self._lines + 1)
        if rest:
            yield rest

    def _wide_lines(self) -> Iterator[bytes]:
        """The same for two bytes a character: an end is one only at an even place."""
        rest = bytearray()
        for piece in self._pieces:
            rest += piece
            start = searched = 0
            while (found := rest.find(self._newline, searched)) >= 0:
                if (found - start) % 2:
                    searched = found + 1
                    continue
                yield bytes(rest[start : found + 2])
                start = searched = found + 2
            del rest[:start]
            if len(rest) > LINE_BYTES_MAX:
                raise BadFile("line_too_long", self._lines + 1)
        if rest:
            yield bytes(rest)


def _told(error: csv.Error) -> str:
    said = str(error)
    if "field larger" in said:
        return f"has a field of more than {FIELD_CHARS_MAX} characters: a quote in it is not closed, perhaps"
    if "unexpected end" in said:
        return "ends within quotes: a quote in it is not closed"
    if "expected after" in said:
        return "has text behind a closing quote: write a quote within quotes twice"
    return "has a line end that is none of the file's own"
