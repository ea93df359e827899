"""How long somebody waits who signed in wrongly: 1, 2, 4 s…, and 15 minutes after too often. Sans-I/O.

Tries are counted before the password is looked at, so that a hundred at the same moment are not a hundred guesses.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

FAILURES_MAX: Final = 8  # of a setting between 5 and 10
FIRST_WAIT: Final = timedelta(seconds=1)
LOCKED_FOR: Final = timedelta(minutes=15)
# Failures are forgotten after so long without another one.
FORGOTTEN_AFTER: Final = timedelta(hours=1)
# A try whose end was never heard of: its process died.
TRY_LASTS: Final = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Attempts:
    """Of one mail address, whether anybody has it or not."""

    failures: int = 0
    failed_at: datetime | None = None
    trying: int = 0  # not decided yet
    tried_at: datetime | None = None
    locked_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    until: datetime
    locked: bool
    crowded: bool = False  # nothing went wrong: others are being decided at this moment


def ask(before: Attempts, now: datetime, failures_max: int) -> Attempts | Wait:
    """Return what is so while one more try is decided, or how long to wait before asking again."""
    if before.locked_until is not None and now < before.locked_until:
        return Wait(before.locked_until, locked=True)
    current = _without_the_past(before, now)
    if current.failures and current.failed_at is not None:
        next_at = current.failed_at + FIRST_WAIT * 2 ** (current.failures - 1)
        if now < next_at:
            return Wait(next_at, locked=False)
    if current.failures + current.trying >= failures_max:
        return Wait(now + FIRST_WAIT, locked=False, crowded=True)
    return replace(current, trying=current.trying + 1, tried_at=now)


def failed(before: Attempts, now: datetime, failures_max: int) -> Attempts:
    """Return what is so after a wrong password; the last one that was allowed locks."""
    failures = before.failures + 1
    locked_until = now + LOCKED_FOR if failures >= failures_max else before.locked_until
    return Attempts(failures, now, max(before.trying - 1, 0), before.tried_at, locked_until)


def _without_the_past(before: Attempts, now: datetime) -> Attempts:
    served = before.locked_until is not None
    old = before.failed_at is not None and now - before.failed_at > FORGOTTEN_AFTER
    current = replace(before, failures=0, failed_at=None, locked_until=None) if served or old else before
    lost = current.tried_at is not None and now - current.tried_at > TRY_LASTS
    return replace(current, trying=0, tried_at=None) if lost else current
