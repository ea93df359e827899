"""When an organisation can be met: its hours cut into slots, and which of them are free. Sans-I/O.

Times are moments; only the hours themselves are an organisation's local time.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

DAYS_AHEAD: Final = 14  # how far free slots are looked for
BOOKED_AHEAD_MAX: Final = timedelta(days=365)


class NoSlot(StrEnum):
    """Why a time cannot be booked."""

    PAST = "past"  # over, or too soon
    TOO_FAR = "too_far"
    CLOSED = "closed"  # outside of the hours
    BETWEEN = "between"  # not where a slot begins
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Hours:
    days: frozenset[int] = frozenset({0, 1, 2, 3, 4})  # 0 is Monday
    opens: time = time(9)
    closes: time = time(18)
    minutes: int = 30  # of a slot
    at_once: int = 1  # meetings that can be held at the same time
    notice_minutes: int = 60  # the next slot begins no sooner
    time_zone: str = "UTC"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    def slots_of(self, day: date) -> Iterator[datetime]:
        """Yield when slots begin on that day of the organisation's."""
        if day.weekday() not in self.days:
            return
        step = timedelta(minutes=self.minutes)
        begins = datetime.combine(day, self.opens)
        closes = datetime.combine(day, self.closes)
        while begins + step <= closes:
            # Through the clock's own time, so that slots keep their hour when clocks are set.
            yield begins.replace(tzinfo=self.zone)
            begins += step


def why_not(hours: Hours, at: datetime, taken: Iterable[datetime], now: datetime) -> NoSlot | None:
    """Return why a meeting cannot begin at `at`; None when it can. `taken`: when booked ones begin, each of them."""
    local = at.astimezone(hours.zone)
    if at not in set(hours.slots_of(local.date())):
        ends = local + timedelta(minutes=hours.minutes)
        opened = local.weekday() in hours.days and hours.opens <= local.time() < hours.closes
        odd = NoSlot.BETWEEN if opened and ends.time() <= hours.closes else NoSlot.CLOSED
        return _too_soon_or_far(hours, at, now) or odd
    return _blocked(hours, at, list(taken), now)


def free_slots(hours: Hours, first: date, taken: Iterable[datetime], now: datetime, limit: int) -> list[datetime]:
    """Return the next free slots from that day of the organisation's on, `limit` at most, in their order."""
    booked = list(taken)
    found: list[datetime] = []
    for ahead in range(DAYS_AHEAD):
        for at in hours.slots_of(first + timedelta(days=ahead)):
            if _blocked(hours, at, booked, now) is None:
                found.append(at)
                if len(found) == limit:
                    return found
    return found


def _too_soon_or_far(hours: Hours, at: datetime, now: datetime) -> NoSlot | None:
    if at < now + timedelta(minutes=hours.notice_minutes):
        return NoSlot.PAST
    return NoSlot.TOO_FAR if at > now + BOOKED_AHEAD_MAX else None


def _blocked(hours: Hours, at: datetime, taken: Sequence[datetime], now: datetime) -> NoSlot | None:
    """Return why a slot cannot be had. A meeting that began in another slot, when they lay otherwise, counts too."""
    length = timedelta(minutes=hours.minutes)
    at_the_time = sum(abs(begins - at) < length for begins in taken)
    return _too_soon_or_far(hours, at, now) or (NoSlot.TAKEN if at_the_time >= hours.at_once else None)
