"""Rows put at a place of their order."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from crm.ordering import put_at


@dataclass(eq=False)
class Row:
    name: int
    position: int


@given(st.integers(1, 6), st.data())
def test_the_row_is_where_it_was_put_and_the_others_stay_in_their_order(many: int, data: st.DataObject) -> None:
    rows = [Row(number, number * 3) for number in range(many)]
    row, place = data.draw(st.sampled_from(rows)), data.draw(st.integers(0, many + 2))
    put_at(place, row, rows)
    ordered = sorted(rows, key=lambda one: one.position)
    assert [one.position for one in ordered] == list(range(many))
    assert ordered.index(row) == min(place, many - 1)
    assert [one.name for one in ordered if one is not row] == [one.name for one in rows if one is not row]
