"""Why a row that is good by itself cannot be put in by a machine: what only the database finds. Sans-I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crm.imports.plan import CUSTOM, Plan
from crm.imports.rows import Fault

REQUIRED: Final = "required"
# Each with its field and what to do about it; of REQUIRED, `faults_of` tells more.
CONFLICTS: Final[Mapping[str, tuple[str, str]]] = {
    "two_leads": ("row", "its mail address is one lead's and its number another's: merge them, or leave one out"),
    "phone": ("phone", "differs from the number of the lead with this mail address: decide by hand which one holds"),
    "place": (
        "status",
        "is no stage of the pipeline that the lead is in, or would be: give pipeline and status together",
    ),
    "address": ("email", "is another lead's, and one lead has an address: match by it, or merge the two"),
    REQUIRED: ("custom_fields", "lacks a custom field that new leads need"),
    "email": ("email", "differs from the mail address of the lead with this number: decide by hand which one holds"),
}


@dataclass(frozen=True, slots=True)
class Conflict:
    name: str  # of CONFLICTS
    missing: tuple[str, ...] = ()  # keys of custom fields that a new lead needs


def faults_of(conflict: Conflict, plan: Plan, columns: Sequence[str]) -> list[Fault]:
    """Return what is wrong with a row, naming the fields, the file's columns and what to do.

    Args:
        columns: the names of the file's columns.
    """
    if conflict.name != REQUIRED or not conflict.missing:
        return [Fault(*CONFLICTS[conflict.name])]
    mapped = {target: columns[place] for place, targets in plan.mapping.items() for target in targets}
    return [Fault(CUSTOM + key, _lacking(key, mapped.get(CUSTOM + key))) for key in conflict.missing]


def _lacking(key: str, column: str | None) -> str:
    if column is None:
        return f"new leads need it, and no column is put into it: map one to {CUSTOM}{key}"
    return f"new leads need it, and column {column!r} is empty: fill it in"
