"""Files of rows: split, compressed, in constant memory, and without a formula in them."""

import csv
import gzip
import io
import tracemalloc
import zipfile
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from crm.exports import tables
from crm.exports.tables import CsvTable, Form, XlsxTable

HEADER = ["name", "score"]


def rows_of(path: Path) -> list[list[str]]:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def sheet_of(path: Path) -> list[list[str]]:
    """Read a workbook as far as we write it; whatever else is in it fails."""
    space = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    with zipfile.ZipFile(path) as book:
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))  # noqa: S314 - our own file
    assert not list(sheet.iter(f"{space}f")), "no cell is a formula"
    rows = sheet.iter(f"{space}row")
    return [["".join(cell.itertext()) for cell in row.iter(f"{space}c")] for row in rows]


def test_a_file_within_its_bounds_stays_as_it_is(tmp_path: Path) -> None:
    table = CsvTable(Form(tmp_path, "leads", HEADER))
    table.add([["José", 40], ["=1+1", 1]])
    table.add([['a "b",\nc', 0]])
    (path,) = table.finish()
    assert path.name == "leads.csv"
    assert rows_of(path) == [HEADER, ["José", "40"], ["'=1+1", "1"], ['a "b",\nc', "0"]]


@pytest.mark.parametrize(("kind", "name"), [(CsvTable, "leads.csv"), (XlsxTable, "leads.xlsx")])
def test_without_rows_there_is_a_header(kind: type[CsvTable | XlsxTable], name: str, tmp_path: Path) -> None:
    (path,) = kind(Form(tmp_path, "leads", HEADER)).finish()
    assert path.name == name
    assert (rows_of(path) if kind is CsvTable else sheet_of(path)) == [HEADER]


def test_what_is_longer_is_split_and_compressed(tmp_path: Path) -> None:
    table = CsvTable(Form(tmp_path, "leads", HEADER, part_bytes=1_000))
    table.add([f"Person {number}", number] for number in range(200))
    paths = table.finish()
    assert [path.name for path in paths] == [f"leads {number}.csv.gz" for number in range(1, len(paths) + 1)]
    assert sorted(tmp_path.iterdir()) == sorted(paths), "nothing else is left"
    parts = [rows_of(path) for path in paths]
    assert all(part[0] == HEADER for part in parts)
    assert [row[1] for part in parts for row in part[1:]] == [str(number) for number in range(200)]
    assert all(len(gzip.decompress(path.read_bytes())) <= 1_000 for path in paths)


def test_a_workbook_is_split_by_rows_and_by_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SHEET_ROWS_MAX", 10)
    table = XlsxTable(Form(tmp_path, "leads", HEADER, part_bytes=2_000))
    table.add([f"{number}", number] for number in range(25))
    table.add([["x" * 1_500, number] for number in range(25, 28)])
    paths = table.finish()
    assert [path.name for path in paths] == ["leads.xlsx", *(f"leads {number}.xlsx" for number in range(2, 6))]
    assert [row[1] for path in paths for row in sheet_of(path)[1:]] == [str(number) for number in range(28)]


def test_texts_of_a_workbook_stay_texts(tmp_path: Path) -> None:
    table = XlsxTable(Form(tmp_path, "leads", HEADER))
    table.add([["=HYPERLINK(1)", 1], ["http://example.com", 2], ["007", 3], ["x" * 40_000, 4], ["{=1}", 5]])
    (path,) = table.finish()
    found = sheet_of(path)
    assert [row[0] for row in found[1:4]] == ["=HYPERLINK(1)", "http://example.com", "007"]
    assert len(found[4][0]) == tables.CELL_CHARS_MAX


@pytest.mark.parametrize("kind", [CsvTable, XlsxTable])
def test_memory_does_not_grow_with_the_rows(kind: type[CsvTable | XlsxTable], tmp_path: Path) -> None:
    def lines(many: int) -> Iterator[list[str | int]]:
        return (["Person with a rather long name", number] for number in range(many))

    def peak(many: int) -> int:
        table = kind(Form(tmp_path, f"n{many}", HEADER))
        tracemalloc.reset_peak()
        table.add(lines(many))
        table.finish()
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        peak(100)
        short, long = peak(1_500), peak(6_000)
    finally:
        tracemalloc.stop()
    assert long - short < 150_000
