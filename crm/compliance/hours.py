"""When people may be called: an organisation's hours, held against the clock where the callee is. Sans-I/O.

Hours are the callee's local time, so they move with its clocks. A zone that is not known means no call. Where a number
may be in several zones, all of them have to be within the hours: which one it is cannot be told, and to call somebody
at six in the morning is what the hours are there against.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
HOLIDAYS_MAX: Final = 400
# It may still be ringing when the hours end: a permit to dial is good for so long.
RINGS_FOR: Final = timedelta(seconds=60)
DAYS_AHEAD: Final = 15  # how far the next opening is looked for
_MINUTES: Final = 60
_WINDOW: Final = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")


class When(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"  # nobody knows what time it is there


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes of the day, the last one left out: 0 to 1440 is the whole day."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return "-".join(f"{minute // _MINUTES:02d}:{minute % _MINUTES:02d}" for minute in (self.opens, self.closes))


@dataclass(frozen=True, slots=True)
class CallingHours:
    week: Mapping[int, Window]  # 0 is Monday; a day that is not in it is closed
    holidays: frozenset[date] = frozenset()

    def is_open(self, at: datetime, zone: ZoneInfo) -> bool:
        local = at.astimezone(zone)
        window = self.week.get(local.weekday())
        if window is None or local.date() in self.holidays:
            return False
        return window.opens <= local.hour * _MINUTES + local.minute < window.closes

    def openings(self, after: datetime, zone: ZoneInfo) -> Iterator[datetime]:
        """Yield when it opens there in the next days, in order."""
        today = after.astimezone(zone).date()
        for ahead in range(DAYS_AHEAD):
            day = today + timedelta(days=ahead)
            window = self.week.get(day.weekday())
            if window is not None and day not in self.holidays:
                hour, minute = divmod(window.opens, _MINUTES)
                # Through UTC and back: an hour that the clocks skip opens when they have skipped it.
                at = datetime.combine(day, time(hour, minute), zone).astimezone(UTC)
                if at > after:
                    yield at


# The narrower of what the rules of several countries have: see config/compliance.yaml, which says it anew.
CAUTIOUS: Final = CallingHours(
    MappingProxyType({day: Window(9 * _MINUTES, 21 * _MINUTES) for day in range(5)} | {5: Window(600, 960)})
)
ALWAYS: Final = CallingHours(MappingProxyType({day: Window(0, 24 * _MINUTES) for day in range(7)}))


@dataclass(frozen=True, slots=True)
class Timing:
    """Whether the hour is one to call at, and in which zones it was looked for."""

    when: When
    zones: tuple[str, ...] = ()
    opens_at: datetime | None = None  # where it is closed; None: not in the next days

    def as_record(self) -> dict[str, Any]:
        """Return it as JSON, with what is worth telling."""
        told: dict[str, Any] = {"zones": list(self.zones)}
        return told | ({"opens_at": self.opens_at.isoformat()} if self.opens_at is not None else {})


# For numbers of one's own people, who say themselves when they may be called.
ANY_TIME: Final = Timing(When.OPEN)


def timing_of(hours: CallingHours, zones: tuple[str, ...], now: datetime) -> Timing:
    """Return whether somebody may be called now.

    Args:
        zones: names of all the zones that the callee may be in; none: it is not known.
        now: aware.
    """
    try:
        places = [ZoneInfo(name) for name in zones]
    except (KeyError, ValueError, OSError):
        # No such zone, no name of one, or a folder of them.
        places = []
    # By the wall of one zone no time passes while clocks are set back.
    now = now.astimezone(UTC)
    if not places:
        return Timing(When.UNKNOWN, zones)
    if _all_open(hours, now, places):
        return Timing(When.OPEN, zones)
    coming = sorted(at for place in places for at in hours.openings(now, place))
    return Timing(When.CLOSED, zones, next((at for at in coming if _all_open(hours, at, places)), None))


def hours_of(kept: Mapping[str, Any]) -> CallingHours:
    """Return hours from JSON or YAML: `week`, a window such as "09:00-21:00" by a weekday's name, and `holidays`.

    Raises:
        ValueError: naming what is wrong, and how it should be.
    """
    week, holidays = kept.get("week", {}), kept.get("holidays", [])
    if not isinstance(week, Mapping) or not isinstance(holidays, list):
        raise ValueError("week must be a table of weekdays, holidays a list of dates")
    return CallingHours(
        {_weekday(name): _window(name, text) for name, text in week.items()},
        frozenset(_day(text) for text in holidays),
    )


def hours_json(hours: CallingHours) -> dict[str, Any]:
    return {
        "week": {WEEKDAYS[day]: str(window) for day, window in sorted(hours.week.items())},
        "holidays": sorted(day.isoformat() for day in hours.holidays),
    }


def window_of(text: Any) -> Window:
    """Raises ValueError."""
    found = _WINDOW.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise ValueError("must be hours such as 09:00-21:00, to 24:00 at most")
    opens = int(found[1]) * _MINUTES + int(found[2])
    closes = 24 * _MINUTES if found[3] is None else int(found[3]) * _MINUTES + int(found[4])
    if opens >= closes:
        raise ValueError("must end after it begins, on the same day")
    return Window(opens, closes)


def _all_open(hours: CallingHours, at: datetime, zones: list[ZoneInfo]) -> bool:
    return all(hours.is_open(moment, zone) for zone in zones for moment in (at, at + RINGS_FOR))


def _weekday(name: Any) -> int:
    if name not in WEEKDAYS:
        raise ValueError(f"days must be of {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(name)


def _window(name: str, text: Any) -> Window:
    try:
        return window_of(text)
    except ValueError as fault:
        raise ValueError(f"{name} {fault}") from None


def _day(text: Any) -> date:
    if isinstance(text, date):
        return text  # YAML reads dates by itself
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("holidays must be dates such as 2026-12-25") from None
