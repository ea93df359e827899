"""Which slots are free, and why another is not."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.appointments.slots import Hours, NoSlot, free_slots, why_not

NOW = datetime(2026, 11, 23, 12, 10, tzinfo=UTC)  # a Monday
HOURS = Hours()
HOURS_MADE = st.builds(
    Hours,
    days=st.frozensets(st.integers(0, 6), min_size=1),
    opens=st.times(max_value=time(11)).map(lambda t: t.replace(second=0, microsecond=0)),
    closes=st.times(min_value=time(13)).map(lambda t: t.replace(second=0, microsecond=0)),
    minutes=st.integers(15, 120),
    at_once=st.integers(1, 2),
    notice_minutes=st.integers(0, 3000),
    time_zone=st.sampled_from(["UTC", "America/Sao_Paulo", "America/New_York", "Asia/Kolkata"]),
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "why"),
    [
        ("2026-11-24T10:00", None),
        ("2026-11-23T13:30", None),
        ("2026-11-23T13:00", NoSlot.PAST),  # in fifty minutes: too soon
        ("2026-11-20T10:00", NoSlot.PAST),
        ("2027-11-29T10:00", NoSlot.TOO_FAR),
        ("2026-11-24T08:30", NoSlot.CLOSED),
        ("2026-11-24T18:00", NoSlot.CLOSED),
        ("2026-11-28T10:00", NoSlot.CLOSED),  # a Saturday
        ("2026-11-24T10:10", NoSlot.BETWEEN),
        ("2026-11-24T17:45", NoSlot.CLOSED),  # would end after the hours
        ("2026-11-25T10:00", NoSlot.TAKEN),
        ("2026-11-25T09:30", None),
    ],
)
def test_why_a_time_cannot_be_had(moment: str, why: NoSlot | None) -> None:
    assert why_not(HOURS, at(moment), [at("2026-11-25T10:00")], NOW) == why


def test_a_meeting_of_other_slots_is_in_the_way_too() -> None:
    booked = [at("2026-11-24T10:15")]
    for moment, why in [("10:00", NoSlot.TAKEN), ("10:30", NoSlot.TAKEN), ("09:30", None), ("11:00", None)]:
        assert why_not(HOURS, at(f"2026-11-24T{moment}"), booked, NOW) == why


@given(HOURS_MADE, st.lists(st.integers(0, 14 * 24 * 60), max_size=20))
def test_every_free_slot_can_be_booked_until_none_is_left(hours: Hours, minutes: list[int]) -> None:
    taken = [NOW + timedelta(minutes=m) for m in minutes]
    found = free_slots(hours, date(2026, 11, 23), taken, NOW, 6)
    assert found == sorted(found)
    for slot in found:
        local = slot.astimezone(hours.zone)
        assert local.weekday() in hours.days
        assert hours.opens <= local.time() <= hours.closes
        assert why_not(hours, slot, taken, NOW) is None
        full = taken + [slot] * hours.at_once
        assert why_not(hours, slot, full, NOW) is NoSlot.TAKEN
        assert slot not in free_slots(hours, date(2026, 11, 23), full, NOW, 6)


def test_slots_keep_their_hour_when_clocks_are_set() -> None:
    hours = Hours(days=frozenset(range(7)), opens=time(1), closes=time(5), minutes=60, time_zone="America/New_York")
    local = [slot.strftime("%H:%M") for slot in hours.slots_of(date(2026, 11, 1))]
    assert local == ["01:00", "02:00", "03:00", "04:00"]
