"""Whether it is an hour to call at, where the callee is."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.compliance.hours import (
    ALWAYS,
    CAUTIOUS,
    WEEKDAYS,
    CallingHours,
    When,
    Window,
    hours_json,
    hours_of,
    timing_of,
    window_of,
)

NEW_YORK, LOS_ANGELES, SAO_PAULO = "America/New_York", "America/Los_Angeles", "America/Sao_Paulo"
# Friday, in winter.
FRIDAY = datetime(2026, 1, 16, tzinfo=UTC)


def local(zone: str, year: int, month: int, day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("day", "hour", "minute", "when"),
    [
        (16, 8, 59, When.CLOSED),
        (16, 9, 0, When.OPEN),
        (16, 20, 58, When.OPEN),
        (16, 20, 59, When.CLOSED),  # it would ring after nine
        (16, 21, 0, When.CLOSED),
        (17, 9, 59, When.CLOSED),  # Saturday
        (17, 10, 0, When.OPEN),
        (17, 16, 0, When.CLOSED),
        (18, 12, 0, When.CLOSED),  # Sunday
    ],
)
def test_the_clock_is_the_callees(day: int, hour: int, minute: int, when: When) -> None:
    for zone in (NEW_YORK, SAO_PAULO, "Asia/Kolkata", "Pacific/Auckland"):
        at = local(zone, 2026, 1, day, hour, minute)
        for same in (at, at.astimezone(UTC), at.astimezone(ZoneInfo("Asia/Tokyo"))):
            assert timing_of(CAUTIOUS, (zone,), same).when is when


def test_where_a_number_may_be_in_several_zones_all_have_to_be_open() -> None:
    at = local(NEW_YORK, 2026, 1, 16, 10)  # seven in Los Angeles
    assert timing_of(CAUTIOUS, (NEW_YORK,), at).when is When.OPEN
    both = timing_of(CAUTIOUS, (NEW_YORK, LOS_ANGELES), at)
    assert (both.when, both.opens_at) == (When.CLOSED, local(LOS_ANGELES, 2026, 1, 16, 9))
    late = timing_of(CAUTIOUS, (NEW_YORK, LOS_ANGELES), local(NEW_YORK, 2026, 1, 16, 21))
    assert late.opens_at == local(LOS_ANGELES, 2026, 1, 17, 10), "on Saturday, when it has opened in both"


@pytest.mark.parametrize("zones", [(), ("",), ("Nowhere/Land",), ("America",), ("../../etc/passwd",), (NEW_YORK, "x")])
def test_a_zone_that_nobody_knows_means_no_call(zones: tuple[str, ...]) -> None:
    """Even where the hours are all hours: whoever is called has a right to hours."""
    for hours in (CAUTIOUS, ALWAYS):
        assert timing_of(hours, zones, FRIDAY).when is When.UNKNOWN


def test_a_holiday_is_closed_where_it_is_that_day() -> None:
    hours = CallingHours(ALWAYS.week, frozenset({date(2026, 1, 1)}))
    at = local("Pacific/Auckland", 2026, 1, 1, 1)  # still the old year in New York
    assert timing_of(hours, (NEW_YORK,), at).when is When.OPEN
    there = timing_of(hours, ("Pacific/Auckland",), at)
    assert (there.when, there.opens_at) == (When.CLOSED, local("Pacific/Auckland", 2026, 1, 2, 0))


@pytest.mark.parametrize("zone", [NEW_YORK, "Europe/London", "Australia/Lord_Howe"])
@pytest.mark.parametrize("year", [2025, 2026])
def test_hours_move_with_the_clocks(zone: str, year: int) -> None:
    """Each day of the year it opens at nine by the wall, and is closed a minute before."""
    every_day = CallingHours(dict.fromkeys(range(7), Window(9 * 60, 21 * 60)))
    offsets = set()
    for number in range(365):
        day = date(year, 1, 1) + timedelta(days=number)
        at = local(zone, day.year, day.month, day.day, 9).astimezone(UTC)
        offsets.add(at.astimezone(ZoneInfo(zone)).utcoffset())
        assert timing_of(every_day, (zone,), at).when is When.OPEN
        before = timing_of(every_day, (zone,), at - timedelta(minutes=1))
        assert (before.when, before.opens_at) == (When.CLOSED, at)
    assert len(offsets) == 2, "the clocks were set"


def test_an_hour_that_the_clocks_skip_opens_when_they_have() -> None:
    # On 8 March 2026 it is three o'clock in New York right after 01:59.
    hours = CallingHours({6: Window(2 * 60 + 30, 12 * 60)})
    night = local(NEW_YORK, 2026, 3, 8, 1, 30).astimezone(UTC)
    timing = timing_of(hours, (NEW_YORK,), night)
    assert timing.when is When.CLOSED
    assert timing.opens_at is not None
    assert timing.opens_at.astimezone(ZoneInfo(NEW_YORK)).hour == 3
    assert timing_of(hours, (NEW_YORK,), night + timedelta(minutes=30)).when is When.OPEN, "three o'clock"


def test_hours_that_never_open_together_say_so() -> None:
    mornings = CallingHours(dict.fromkeys(range(7), Window(8 * 60, 9 * 60)))
    timing = timing_of(mornings, (NEW_YORK, "Asia/Tokyo"), FRIDAY)
    assert (timing.when, timing.opens_at) == (When.CLOSED, None)
    assert timing.as_record() == {"zones": [NEW_YORK, "Asia/Tokyo"]}


@pytest.mark.parametrize(
    ("text", "window"),
    [("09:00-21:00", Window(540, 1260)), ("00:00-24:00", Window(0, 1440)), ("23:59-24:00", Window(1439, 1440))],
)
def test_windows(text: str, window: Window) -> None:
    assert window_of(text) == window
    assert str(window) == text


@pytest.mark.parametrize(
    "text", ["", "9-21", "09:00-09:00", "21:00-09:00", "09:00-24:01", "24:00-24:00", "09:60-10:00", None, 9]
)
def test_what_is_no_window_is_told(text: object) -> None:
    with pytest.raises(ValueError, match="must"):
        window_of(text)


WINDOWS = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1])
HOURS = st.builds(
    CallingHours,
    st.dictionaries(st.integers(0, 6), WINDOWS.map(lambda pair: Window(*pair))),
    st.frozensets(st.dates(date(2026, 1, 1), date(2026, 2, 1)), max_size=5),
)


@given(HOURS)
def test_hours_are_kept_as_they_are(hours: CallingHours) -> None:
    assert hours_of(hours_json(hours)) == hours


@given(
    HOURS,
    st.lists(st.sampled_from([NEW_YORK, SAO_PAULO, "Asia/Kathmandu", "Pacific/Apia", "nonsense"]), max_size=3),
    st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - bounds are naive
)
def test_open_means_open_in_every_zone(hours: CallingHours, zones: list[str], now: datetime) -> None:
    timing = timing_of(hours, tuple(zones), now)
    if timing.when is When.OPEN:
        assert zones
        for zone in zones:
            there = now.astimezone(ZoneInfo(zone))
            window = hours.week[there.weekday()]
            assert window.opens <= there.hour * 60 + there.minute < window.closes
            assert there.date() not in hours.holidays
    if timing.opens_at is not None:
        assert timing.when is When.CLOSED
        assert timing.opens_at > now
        assert timing_of(hours, tuple(zones), timing.opens_at).when is When.OPEN


def test_days_have_names() -> None:
    with pytest.raises(ValueError, match=", ".join(WEEKDAYS)):
        hours_of({"week": {"mon": "09:00-21:00"}})
    wrongs: list[dict[str, object]] = [
        {"week": []},
        {"holidays": "2026-01-01"},
        {"holidays": ["soon"]},
        {"holidays": [7]},
    ]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="must"):
            hours_of(wrong)
