"""Files of rows that grow part by part, on disk, in constant memory. Blocking: for a thread. Knows no leads.

A part holds at most PART_BYTES before compression, so that none is larger than that. One part of CSV stays as it is;
where there are more, each is compressed. A file of XLSX is compressed by its nature.
"""

import csv
import gzip
import io
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from crm.imports.cells import written

PART_BYTES: Final = 100 * 1024 * 1024
# Of a sheet; it takes 1 048 576, and programs open this many in reasonable time.
SHEET_ROWS_MAX: Final = 250_000
# What Excel keeps in a cell.
CELL_CHARS_MAX: Final = 32_767
_MARK: Final = b"\xef\xbb\xbf"  # or Excel would not take the file for UTF-8

Cell = str | int


@dataclass(frozen=True, slots=True)
class Form:
    """What a table is to be: files of that name in a folder, each with the header."""

    folder: Path
    name: str
    header: Sequence[str]
    part_bytes: int = PART_BYTES

    def path(self, parts: int, ending: str) -> Path:
        """Return where the next part goes, `parts` being there."""
        return self.folder / f"{self.name}{f' {parts + 1}' if parts else ''}.{ending}"


class Table(Protocol):
    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        """Write rows of as many cells as the header has."""
        ...

    def finish(self) -> list[Path]:
        """Return the files in their order; one with the header alone when there were no rows."""
        ...


class CsvTable:
    def __init__(self, form: Form) -> None:
        self._form = form
        self._parts: list[Path] = []
        self._open_part()

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            self._writer.writerow([cell if isinstance(cell, int) else written(cell) for cell in row])
            line = self._line.getvalue().encode()
            self._line.seek(0)
            self._line.truncate()
            if self._size + len(line) > self._form.part_bytes:
                self._close_part()
                self._open_part()
            self._file.write(line)
            self._size += len(line)

    def finish(self) -> list[Path]:
        self._file.close()
        if not self._parts:
            return [self._path]
        self._pack()
        return self._parts

    def _open_part(self) -> None:
        self._path = self._form.path(len(self._parts), "csv")
        self._file = self._path.open("wb")
        self._line = io.StringIO(newline="")
        self._writer = csv.writer(self._line)
        self._writer.writerow([written(name) for name in self._form.header])
        self._size = self._file.write(_MARK + self._line.getvalue().encode())
        self._line.seek(0)
        self._line.truncate()

    def _close_part(self) -> None:
        self._file.close()
        self._pack()

    def _pack(self) -> None:
        packed = self._path.with_name(f"{self._form.name} {len(self._parts) + 1}.csv.gz")
        with self._path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as target:
            shutil.copyfileobj(plain, target)
        self._path.unlink()
        self._parts.append(packed)


class XlsxTable:
    """Texts stay texts: nothing in a cell is taken for a formula, a link or a number."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._parts: list[Path] = []
        self._open_part()

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        for row in rows:
            size = sum(len(cell) if isinstance(cell, str) else 8 for cell in row)
            if self._rows > SHEET_ROWS_MAX or self._size + size > self._form.part_bytes:
                self._book.close()
                self._open_part()
            self._write(row)
            self._size += size

    def finish(self) -> list[Path]:
        self._book.close()
        return self._parts

    def _open_part(self) -> None:
        path = self._form.path(len(self._parts), "xlsx")
        options = {"constant_memory": True, "tmpdir": str(self._form.folder)}
        self._book = xlsxwriter.Workbook(str(path), options)
        self._sheet: Worksheet = self._book.add_worksheet("Leads")
        self._parts.append(path)
        self._rows = self._size = 0
        self._write(self._form.header)
        self._sheet.freeze_panes(1, 0)

    def _write(self, row: Sequence[Cell]) -> None:
        for place, cell in enumerate(row):
            if isinstance(cell, int):
                self._sheet.write_number(self._rows, place, cell)
            elif cell:
                self._sheet.write_string(self._rows, place, cell[:CELL_CHARS_MAX])
        self._rows += 1
