"""Spans and lists of values as the terms of the search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.custom_fields.asked import BadFilter, cover, digits_of, searched
from crm.custom_fields.kinds import NUMBER_MAX, Definition, Definitions, FieldType

FIELDS = Definitions(
    [
        Definition("seats", "Seats", FieldType.NUMBER),
        Definition("renews", "Renews", FieldType.DATE),
        Definition("city", "City", FieldType.TEXT),
        Definition("size", "Size", FieldType.CHOICE, ("Small", "Large")),
    ]
)


@given(st.integers(1, 8), st.data())
def test_beginnings_cover_a_span_and_nothing_else(width: int, data: st.DataObject) -> None:
    most = 10**width - 1
    low, high, asked = (data.draw(st.integers(0, most)) for _ in range(3))
    found = cover(str(low).zfill(width), str(high).zfill(width))
    assert any(str(asked).zfill(width).startswith(one) for one in found) == (low <= asked <= high)
    assert len(found) <= 18 * width


@given(st.lists(st.integers(-NUMBER_MAX * 10**10, NUMBER_MAX * 10**10), min_size=2, max_size=2))
def test_digits_sort_as_numbers_do(numbers: list[int]) -> None:
    one, other = numbers
    assert (digits_of(one) < digits_of(other)) == (one < other)
    assert len(digits_of(one)) == 27


@pytest.mark.parametrize(
    ("asked", "groups"),
    [
        (["city=Recife"], ["\x1f=city=Recife"]),
        (["city=Recife", "city=Olinda"], ["\x1f=city=Recife\x1f=city=Olinda"]),
        (["size=small", "other=a>b"], ["\x1f=size=Small", "\x1f=other=a>b"]),
        (["renews>=2026-05-10", "renews<2026-05-30"], ["\x1f~renews=2026-05-1\x1f~renews=2026-05-2"]),
        (["renews>2026-05-30", "renews<=2026-05-29"], ["\x1f=~"]),
        (["seats>=10", "seats<20"], [f"\x1f~seats~{digits_of(10**11)[:16]}"]),
    ],
)
def test_what_is_asked_for(asked: list[str], groups: list[str]) -> None:
    assert list(searched(asked, FIELDS)) == groups


@pytest.mark.parametrize(
    ("asked", "fault"),
    [
        ("city>=A", "'city' is a text"),
        ("seats>=many", "'seats' must be a number"),
        ("renews<tomorrow", "'renews' must be a day"),
        ("renews<", "'renews' < what"),
        ("size=Medium", "'size' must be one of: Small, Large"),
        ("other>=1", "'other' is no field that is defined"),
        ("city=\x1f", "control characters"),
    ],
)
def test_what_makes_no_sense_names_its_field(asked: str, fault: str) -> None:
    with pytest.raises(BadFilter, match=fault):
        searched([asked], FIELDS)
