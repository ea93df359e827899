"""Rows put together for the database: a batch is one transaction. Sans-I/O.

Rows of one batch with the same address or number go in rounds, as if they came one after the other.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from crm.imports.csv_rows import Place, Record, RowReader
from crm.imports.plan import Plan
from crm.imports.rows import Checked, Fault, RowCheck
from events.ids import new_id

ROWS_MAX: Final = 2_000
BYTES_MAX: Final = 2 * 1024 * 1024
# A batch ends before more rows of it have the same key.
ROUNDS_MAX: Final = 8
# Cells of rows that are set aside; a longer one is cut in what people get back.
CELL_CHARS_MAX: Final = 5_000

# The staging table's columns in the order of COPY; an empty text is NULL there.
GIVEN: Final = (
    *("name", "email", "phone", "company", "source", "pipeline", "status", "score", "notes", "next_step"),
    *("time_zone", "do_not_call", "owner"),
)
COLUMNS: Final = ("n", "line", "round", "id", *GIVEN, "custom", "faults", "cells")


@dataclass(frozen=True, slots=True)
class Batch:
    copy: bytes  # lines of COPY's text format, of COLUMNS
    place: Place  # behind its last row
    rows: int
    bad: int
    rounds: int
    refusals: bool  # some rows say that a person is not to be called
    records: Mapping[int, Record]  # the good ones by number, in case the database sets one aside


def batches(reader: RowReader, check: RowCheck, plan: Plan, rows_max: int = ROWS_MAX) -> Iterator[Batch]:
    """Yield the file's rows, batch by batch, none of them empty.

    Raises:
        BadFile: behind the last batch that was yielded, and rows that are in none.
    """
    building = _Building(plan, reader.place)
    for record in reader:
        checked = check.check(record)
        if not building.takes(checked):
            yield building.built()
            building = _Building(plan, reader.place)
            building.takes(checked)
        building.place = reader.place
        if building.rows >= rows_max or building.size >= BYTES_MAX:
            yield building.built()
            building = _Building(plan, reader.place)
    if building.rows:
        yield building.built()


class _Building:
    def __init__(self, plan: Plan, place: Place) -> None:
        # Two rows with one address never go in together: it can be one lead's only.
        self._keys = dict.fromkeys(("email", *(plan.match_on if plan.when_found != "create" else ())))
        self._lines: list[str] = []
        self._seen: dict[tuple[str, str], int] = {}
        self._records: dict[int, Record] = {}
        self._bad = 0
        self._rounds = 0
        self._refusals = False
        self.place = place
        self.rows = 0
        self.size = 0

    def takes(self, checked: Checked) -> bool:
        """Put the row in; False when it has to wait for the next batch."""
        number = 0
        if checked.faults:
            self._bad += 1
        else:
            keys = [(key, checked.values[key]) for key in self._keys if key in checked.values]
            number = max((self._seen.get(key, 0) for key in keys), default=0)
            if number >= ROUNDS_MAX:
                return False
            for key in keys:
                self._seen[key] = number + 1
            self._rounds = max(self._rounds, number + 1)
            self._refusals = self._refusals or bool(checked.values.get("do_not_call"))
            self._records[checked.record.number] = checked.record
        line = _copied(checked, number)
        self._lines.append(line)
        self.rows += 1
        self.size += len(line)
        return True

    def built(self) -> Batch:
        copy = "".join(self._lines).encode()
        return Batch(copy, self.place, self.rows, self._bad, self._rounds, self._refusals, self._records)


def cells_of(record: Record) -> list[str]:
    """Return what is kept of a row that is set aside; a NUL would not be stored."""
    return [cell[:CELL_CHARS_MAX].replace("\x00", "\ufffd") for cell in record.cells]


def faults_of(faults: list[Fault]) -> list[dict[str, str]]:
    return [{"field": fault.field, "fault": fault.fault} for fault in faults]


def _copied(checked: Checked, number: int) -> str:
    record, get = checked.record, checked.values.get
    told = [str(record.number), str(record.line), str(number), str(new_id())]
    if checked.faults:
        told += [""] * (len(GIVEN) + 1)
        told += [_json(faults_of(checked.faults)), _json(cells_of(record))]
    else:
        told += [get(name, "") for name in GIVEN]
        told += [_json(checked.custom) if checked.custom else "", "", ""]
    line = "\t".join(told)
    # Nearly no row holds what COPY reads otherwise; a look at the whole costs less than one at each value.
    if "\\" in line or "\n" in line or "\r" in line or line.count("\t") != len(COLUMNS) - 1:
        line = "\t".join(map(_escaped, told))
    return line + "\n"


def _json(told: object) -> str:
    return msgspec.json.encode(told).decode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
