"""The statement as CSV."""

import csv
import io
from datetime import UTC, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from crm.billing.model import AccountKind
from crm.billing.statement import Line
from crm.billing.statement_file import HEADINGS, as_decimal, csv_text, row_of
from events.ids import new_id


@given(st.integers(-(10**18), 10**18))
def test_amounts_are_exact(milli: int) -> None:
    assert Decimal(as_decimal(milli)) * 1_000 == milli


def test_a_line_has_a_cell_for_each_heading() -> None:
    line = Line(new_id(), "fund", None, datetime(2026, 1, 2, tzinfo=UTC), ((AccountKind.WALLET, 1_500),))
    [row] = csv.DictReader(io.StringIO(csv_text([HEADINGS, row_of(line)])))
    assert row["at"] == "2026-01-02T00:00:00+00:00"
    assert (row["wallet_credits"], row["funding_credits"], row["call"]) == ("1.500", "0.000", "")
