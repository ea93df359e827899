"""The price table: what holds when, and what stops the start."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.billing.prices import BadPrices, Period, Periods, Resource, price_at, prices_in, read_prices
from events.money import Millicredits

GOOD = "voice_minute: 10\nemail_verification: 1\ngeneration: 0.125\n"
NEW_YEAR = datetime(2027, 1, 1, tzinfo=UTC)
CHANGING = """
  - {price: 10, until: 2027-01-01T00:00:00Z}
  - {price: 12, from: 2027-01-01T00:00:00Z, until: 2027-02-01T00:00:00+01:00}
  - {price: 9.5, from: 2027-02-01T00:00:00+01:00}
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    return path


def faults_of(tmp_path: Path, voice_minute: str) -> list[str]:
    """Return the places of the faults."""
    with pytest.raises(BadPrices) as fault:
        read_prices(written(tmp_path, GOOD.replace("voice_minute: 10", f"voice_minute: {voice_minute}")))
    return [line.split(":")[0] for line in fault.value.faults]


def test_prices_are_thousandths(tmp_path: Path) -> None:
    prices = read_prices(written(tmp_path, GOOD))
    assert [price_at(prices[resource], NEW_YEAR) for resource in Resource] == [10_000, 10_000, 1_000, 125]


def test_calls_that_come_in_may_have_a_price_of_their_own(tmp_path: Path) -> None:
    prices = read_prices(written(tmp_path, f"{GOOD}\ninbound_minute: 3\n"))
    assert price_at(prices[Resource.INBOUND_MINUTE], NEW_YEAR) == 3_000
    assert price_at(prices[Resource.VOICE_MINUTE], NEW_YEAR) == 10_000


def test_the_shipped_table_is_good(repository: Path) -> None:
    prices = read_prices(repository / "config" / "prices.yaml")
    assert price_at(prices[Resource.VOICE_MINUTE], NEW_YEAR) == 10_000


def test_each_moment_has_the_price_of_its_period(tmp_path: Path) -> None:
    prices = read_prices(written(tmp_path, GOOD.replace("voice_minute: 10", f"voice_minute:{CHANGING}")))
    second = timedelta(seconds=1)
    february = datetime(2027, 1, 31, 23, tzinfo=UTC)
    times = (NEW_YEAR - second, NEW_YEAR, february - second, february)
    assert [price_at(prices[Resource.VOICE_MINUTE], at) for at in times] == [10_000, 12_000, 12_000, 9_500]


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8), st.integers(-10, 100))
def test_no_moment_is_without_a_price(prices: list[int], day: int) -> None:
    ends = [NEW_YEAR + timedelta(days=10 * number) for number in range(1, len(prices))]
    periods: Periods = tuple(
        Period(Millicredits(price), from_, until)
        for price, from_, until in zip(prices, [None, *ends], [*ends, None], strict=True)
    )
    at = NEW_YEAR + timedelta(days=day)
    [holds] = [one for one in periods if (one.from_ or at) <= at < (one.until or at + timedelta(1))]
    assert price_at(periods, at) == holds.price


@pytest.mark.parametrize("price", ["0", "-1", "true", "'10'", "[]", ".inf", ".nan", "0.0001", "null", "{price: 1}"])
def test_a_price_that_is_none_is_named(price: str, tmp_path: Path) -> None:
    assert faults_of(tmp_path, price) == ["voice_minute"]


@pytest.mark.parametrize(
    ("periods", "fault"),
    [
        ("[{price: 0}]", "voice_minute[0].price"),
        ("[7]", "voice_minute[0]"),
        ("[{price: 1, unitl: 2027-01-01T00:00:00Z}]", "voice_minute[0].unitl"),
        ("[{price: 1, from: 2027-01-01T00:00:00Z}]", "voice_minute[0].from"),  # no price before
        ("[{price: 1, until: 2027-01-01T00:00:00Z}]", "voice_minute[0].until"),  # nor after
        ("[{price: 1, until: 2027-01-01}, {price: 2, from: 2027-01-01T00:00:00Z}]", "voice_minute[0].until"),  # a day
        ("[{price: 1, until: 2027-01-01T00:00:00}, {price: 2}]", "voice_minute[0].until"),  # of which zone?
        (  # an hour without
            "[{price: 1, until: 2027-01-01T00:00:00Z}, {price: 2, from: 2027-01-01T01:00:00Z}]",
            "voice_minute[1].from",
        ),
        (  # and one with two
            "[{price: 1, until: 2027-01-01T01:00:00Z}, {price: 2, from: 2027-01-01T00:00:00Z}]",
            "voice_minute[1].from",
        ),
        (  # a period that ends before it begins
            "[{price: 1, until: 2027-02-01T00:00:00Z}, {price: 2, from: 2027-02-01T00:00:00Z,"
            " until: 2027-01-01T00:00:00Z}, {price: 3, from: 2027-01-01T00:00:00Z}]",
            "voice_minute[1].until",
        ),
    ],
)
def test_a_moment_without_a_price_or_with_two_stops_the_start(periods: str, fault: str, tmp_path: Path) -> None:
    assert faults_of(tmp_path, periods) == [fault]


def test_every_missing_price_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(BadPrices) as fault:
        read_prices(written(tmp_path, "voice_minute: 10\nvoice_minutes: 10\n"))
    assert [line.split(":")[0] for line in fault.value.faults] == ["email_verification", "generation", "voice_minutes"]


@pytest.mark.parametrize("text", ["", "- 1", "a: [", "\x00", "voice_minute: 2027-13-45T00:00:00Z"])
def test_what_is_no_table_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(BadPrices):
        read_prices(written(tmp_path, text))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadPrices, match="cannot be read"):
        read_prices(tmp_path / "prices.yaml")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4) | st.datetimes(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["price", "from", "until", "voice_minute", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["voice_minute", "generation", "x"]) | st.integers(), VALUES, max_size=3))
def test_whatever_stands_there_is_a_price_or_a_fault(table: dict[object, object]) -> None:
    prices, faults = prices_in(table)
    if not faults:
        assert all(price_at(periods, NEW_YEAR) > 0 for periods in prices.values())
