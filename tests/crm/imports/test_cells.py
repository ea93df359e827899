"""Formula cells are written so that no spreadsheet runs them, and come back as they were."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.imports.cells import read, written


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1",
        '=HYPERLINK("http://x")',
        "+1+1",
        "-2+3",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        " =1",
        "\n=1",
        "\n",
        "\uff1d1",
        "+cmd|' /C'!A0",
    ],
)
def test_formulas_are_marked(cell: str) -> None:
    assert written(cell) == "'" + cell
    assert read(written(cell)) == cell


@pytest.mark.parametrize("cell", ["", "Ana", "+5511988887777", "-12.5", "-3", "a=b", "'quoted'", "3-4", "ana@x.com"])
def test_values_stay(cell: str) -> None:
    assert written(cell) == cell
    assert read(cell) == cell


@given(st.text(max_size=20) | st.from_regex(r"\s*[=+\-@].{0,9}", fullmatch=True))
def test_nothing_that_is_written_begins_a_formula(cell: str) -> None:
    told = written(cell)
    assert not told.lstrip().startswith(("=", "@", "\uff1d"))
    assert told[:1] not in ("\t", "\r", "\n")
    # What had a quote before a sign already reads as if we had written it; the rest comes back.
    if not cell.startswith("'"):
        assert read(told) == cell
