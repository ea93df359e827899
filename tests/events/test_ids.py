"""Ids sort by the time at which they were made."""

from datetime import UTC, datetime, timedelta

import pytest

from events.ids import first_id, new_id


def test_ids_of_a_time_lie_between_its_bounds() -> None:
    before, made, after = datetime.now(UTC), new_id(), datetime.now(UTC)
    assert first_id(before) <= made < first_id(after + timedelta(milliseconds=1))


def test_there_are_none_of_a_time_before_1970() -> None:
    with pytest.raises(ValueError, match="1970"):
        first_id(datetime(1969, 12, 31, tzinfo=UTC))
