"""A lead as a row of cells, with a column for each custom field. Sans-I/O. The names are those that imports guess."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from crm.exports.tables import Cell
from crm.leads.model import Lead

COLUMNS: Final = (
    *("id", "name", "email", "phone", "company", "source", "pipeline", "status", "score", "do_not_call"),
    *("time_zone", "owner", "next_step", "notes", "created_at", "updated_at"),
)
# The fields of most leads get columns of their own, the rest share one.
CUSTOM_MAX: Final = 200
OTHER: Final = "other custom fields"
# How many names are counted: whoever makes up a name for each lead gets no column for each.
NAMES_MAX: Final = 5_000


class CustomNames:
    """Counts the names of custom fields, as leads go by; those that are defined have columns in any case."""

    def __init__(self, defined: Sequence[str] = ()) -> None:
        self._defined = list(defined)
        self._counted: Counter[str] = Counter()
        self._more = False

    def add(self, fields: Mapping[str, Any]) -> None:
        for name in fields:
            if name in self._counted or len(self._counted) < NAMES_MAX:
                self._counted[name] += 1
            else:
                self._more = True

    def chosen(self) -> tuple[Sequence[str], bool]:
        """Return the names that get columns, the defined ones first, and whether there are others."""
        counted = sorted(self._counted.items(), key=lambda told: (-told[1], told[0]))
        names = [name for name, _ in counted if name not in self._defined]
        room = CUSTOM_MAX - len(self._defined)
        return [*self._defined, *sorted(names[:room])], self._more or len(names) > room


def header_of(custom: Sequence[str], *, others: bool) -> list[str]:
    # A field that is named as a column of ours is told apart.
    names = [f"{name} (custom)" if name in (*COLUMNS, OTHER) else name for name in custom]
    return [*COLUMNS, *names, *([OTHER] if others else [])]


def cells_of(lead: Lead, owners: Mapping[Any, str], custom: Sequence[str], *, others: bool) -> list[Cell]:
    told: list[Cell] = [
        *(str(lead.id), lead.name, lead.email or "", lead.phone or "", lead.company, lead.source, lead.pipeline),
        *(lead.status, lead.score, "yes" if lead.do_not_call else "", lead.time_zone),
        *(owners.get(lead.owner_id, ""), lead.next_step, lead.notes, _at(lead.created_at), _at(lead.updated_at)),
    ]
    told += [_text(lead.custom_fields.get(name)) for name in custom]
    if others:
        rest = {name: value for name, value in lead.custom_fields.items() if name not in set(custom)}
        told.append(_text(rest) if rest else "")
    return told


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
