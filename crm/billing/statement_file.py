"""The statement as CSV for a spreadsheet: one line a transaction, amounts in credits. Sans-I/O.

Every cell is of ours: a time, a word for the kind, an id or a number. So none can begin a formula; an amount may begin
with a minus and is a number all the same.
"""

import csv
import io
from collections.abc import Iterable
from typing import Final

from crm.billing.model import AccountKind
from crm.billing.statement import Line
from events.money import MILLICREDITS_PER_CREDIT

HEADINGS: Final = ("at", "kind", "transaction", "call", *(f"{kind.value}_credits" for kind in AccountKind))


def csv_text(rows: Iterable[Iterable[str]]) -> str:
    """Return rows as CSV (RFC 4180)."""
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()


def row_of(line: Line) -> list[str]:
    """Return the cells under HEADINGS; the account that a transaction does not move is 0."""
    moved = dict(line.entries)
    amounts = (as_decimal(moved.get(kind, 0)) for kind in AccountKind)
    return [line.at.isoformat(), line.kind, str(line.id), str(line.call_id or ""), *amounts]


def as_decimal(milli: int) -> str:
    """Return thousandths of a credit as credits, exactly: -1500 is -1.500."""
    whole, rest = divmod(abs(milli), MILLICREDITS_PER_CREDIT)
    return f"{'-' if milli < 0 else ''}{whole}.{rest:03d}"
