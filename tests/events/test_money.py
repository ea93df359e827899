"""Prices and what they pay for, against each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.money import Millicredits, credits_to_milli, price_of_seconds, seconds_paid_by

PRICE = st.integers(1, 10_000_000).map(Millicredits)


def test_a_minute_costs_its_price() -> None:
    assert price_of_seconds(60, credits_to_milli(10)) == 10_000
    assert price_of_seconds(1, credits_to_milli(10)) == 167  # 166.67, rounded up
    assert price_of_seconds(0, credits_to_milli(10)) == 0


@given(st.integers(0, 10**12).map(Millicredits), PRICE)
def test_what_an_amount_pays_for_is_the_most_it_can(amount: Millicredits, per_minute: Millicredits) -> None:
    seconds = seconds_paid_by(amount, per_minute)
    assert price_of_seconds(seconds, per_minute) <= amount < price_of_seconds(seconds + 1, per_minute)


@given(st.integers(0, 100_000), st.integers(0, 100_000), PRICE)
def test_more_seconds_never_cost_less(one: int, other: int, per_minute: Millicredits) -> None:
    assert price_of_seconds(one + other, per_minute) >= price_of_seconds(one, per_minute)


@pytest.mark.parametrize(("seconds", "price"), [(-1, 10), (1, 0), (1, -5)])
def test_nonsense_is_refused(seconds: int, price: int) -> None:
    with pytest.raises(ValueError, match="must"):
        price_of_seconds(seconds, Millicredits(price))
