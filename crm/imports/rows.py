"""One row of a file as the values of a lead, or what is wrong with it. Sans-I/O; holds what the API holds.

Written for speed: a file has a million rows, and each may take 50 µs.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID
from zoneinfo import available_timezones

import msgspec

from crm.custom_fields.kinds import Definitions, yes_or_no
from crm.imports.cells import read
from crm.imports.csv_rows import Record
from crm.imports.numbers import Numbers
from crm.imports.plan import CUSTOM, Plan
from crm.leads.progress import DO_NOT_CALL
from crm.pipelines.known import Places

# As crm.leads.routes has them.
EMAIL: Final = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s.\x00-\x1f\x7f]+(?:\.[^@\s.\x00-\x1f\x7f]+)+")
EMAIL_CHARS_MAX: Final = 254
CHARS_MAX: Final[Mapping[str, int]] = {
    "name": 255,
    "company": 255,
    "source": 100,
    "pipeline": 100,
    "status": 100,
    "notes": 20_000,
    "next_step": 500,
}
CUSTOM_CHARS_MAX: Final = 20_000
_SCORE: Final = re.compile(r"[0-9]{1,3}")


@dataclass(frozen=True, slots=True)
class Fault:
    field: str  # as in the plan, or "row"
    fault: str


@dataclass(slots=True)
class Checked:
    """A row's values by what they are put into, in the forms that are kept; what is not in it was not given."""

    record: Record
    values: dict[str, str] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


class RowCheck:
    """Checks rows by a plan."""

    def __init__(
        self, plan: Plan, columns: Sequence[str], owners: Mapping[str, UUID], places: Places, fields: Definitions
    ) -> None:
        """`columns` are the names of the file's, `owners` the organisation's members by mail address, in lower case."""
        self._names = columns
        self._columns = len(columns)
        self._numbers = Numbers(plan.region)
        self._owners = owners
        self._zones = available_timezones()
        readers: dict[str, Callable[[str], Any]] = {
            "email": self._email,
            "phone": self._numbers.e164,
            "pipeline": places.pipeline_of,
            "status": places.status_of,
            "score": _score,
            "do_not_call": _flag,
            "time_zone": self._zone,
            "owner": self._owner,
        }
        # (column, where to, its most characters, how it is read)
        self._targets = [
            (column, target, CHARS_MAX.get(target, CUSTOM_CHARS_MAX), readers.get(target) or _custom(target, fields))
            for column, targets in plan.mapping.items()
            for target in targets
        ]
        self._halves = any(target in ("first_name", "last_name") for _, target, _, _ in self._targets)

    def check(self, record: Record) -> Checked:
        """Return the row's values; with `faults` it is not to be imported."""
        checked = Checked(record)
        cells = record.cells
        if record.fault:
            checked.faults.append(Fault("row", record.fault))
            return checked
        if len(cells) > self._columns and any(cells[self._columns :]):
            checked.faults.append(Fault("row", f"has {len(cells)} columns, the file's first row {self._columns}"))
            return checked
        values, has = checked.values, len(cells)
        for column, target, most, reader in self._targets:
            text = cells[column].strip() if column < has else ""
            if not text:
                continue
            if text[0] == "'":
                text = read(text)
            try:
                if "\x00" in text:
                    raise ValueError("must not contain the NUL character")
                if len(text) > most:
                    raise ValueError(f"has {len(text)} characters; at most {most} are kept")
                kept = text if reader is None else reader(text)
            except ValueError as fault:
                # What a custom field is called tells nobody which column of theirs it was.
                told = f"column {self._names[column]!r} {fault}" if target.startswith(CUSTOM) else str(fault)
                checked.faults.append(Fault(target, told))
                continue
            if target.startswith(CUSTOM):
                checked.custom[target[len(CUSTOM) :]] = kept
            else:
                values[target] = kept
        self._name(checked)
        if values.get("status") == DO_NOT_CALL:
            # Nobody is in that stage who may be called.
            values["do_not_call"] = "t"
        if checked.custom and len(msgspec.json.encode(checked.custom)) > CUSTOM_CHARS_MAX:
            checked.faults.append(Fault("custom_fields", f"are longer than {CUSTOM_CHARS_MAX} characters together"))
        return checked

    def _name(self, checked: Checked) -> None:
        values = checked.values
        if self._halves:
            halves = (values.pop("first_name", ""), values.pop("last_name", ""))
            values["name"] = " ".join(half for half in halves if half)
        if not values.get("name"):
            if not any(fault.field in ("name", "first_name", "last_name") for fault in checked.faults):
                checked.faults.append(Fault("name", "is empty"))
        elif len(values["name"]) > CHARS_MAX["name"]:
            most = CHARS_MAX["name"]
            checked.faults.append(Fault("name", f"has {len(values['name'])} characters; at most {most} are kept"))

    def _email(self, text: str) -> str:
        lower = text.lower()
        if len(lower) > EMAIL_CHARS_MAX or EMAIL.fullmatch(lower) is None:
            raise ValueError("must be a mail address, such as ana@example.com")
        return lower

    def _zone(self, text: str) -> str:
        if text not in self._zones:
            raise ValueError("must be a time zone's name, such as America/New_York")
        return text

    def _owner(self, text: str) -> str:
        found = self._owners.get(text.lower())
        if found is None:
            raise ValueError("is no member's mail address: invite the person first, or leave it empty")
        return str(found)


def _custom(target: str, fields: Definitions) -> Callable[[str], Any] | None:
    return fields.reader(target.removeprefix(CUSTOM)) if target.startswith(CUSTOM) else None


def _score(text: str) -> str:
    if _SCORE.fullmatch(text) is None or int(text) > 100:
        raise ValueError("must be a whole number from 0 to 100")
    return text


def _flag(text: str) -> str:
    return "t" if yes_or_no(text) else ""
