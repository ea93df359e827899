"""How a webhook whose server hangs is held back, so that it takes no other's turn. Sans-I/O.

Three postings in a row that took long, and they go one at a time; with no answer at all nothing goes for a while,
longer each time. One quick answer, whatever it says, and all is as before.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

SLOW_S: Final = 5.0
SLOW_TRIES: Final = 3
# One posting at a time: whoever takes the turn has it for so long, a little more than a posting may take.
TURN: Final = timedelta(seconds=20)
PAUSE_FIRST: Final = timedelta(minutes=1)
PAUSE_LONGEST: Final = timedelta(minutes=30)
# What is held back comes again spread over this, not all at once.
SPREAD_S: Final = 60
_STEPS_MAX: Final = 10


def after_posting(slow_tries: int, took_s: float, now: datetime, *, answered: bool) -> tuple[int, datetime | None]:
    """Return the slow tries in a row with this one, and until when nothing is posted."""
    if took_s < SLOW_S:
        return 0, None
    slow_tries += 1
    if slow_tries < SLOW_TRIES or answered:
        return slow_tries, None
    steps = min(slow_tries - SLOW_TRIES, _STEPS_MAX)
    return slow_tries, now + min(PAUSE_LONGEST, PAUSE_FIRST * 2**steps)


def comes_again(held_until: datetime, delivery_id: UUID) -> datetime:
    """Return when a posting that was held back is looked at again."""
    return held_until + timedelta(seconds=delivery_id.int % SPREAD_S)
