"""When a posting is tried again, and what an answer means. Sans-I/O."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

TRIED_FOR: Final = timedelta(days=3)
# The first within seconds, for a server that restarts; from the last on every eight hours, as long as TRIED_FOR.
PAUSES_S: Final = (5, 60, 300, 1_800, 7_200, 18_000, 28_800)
GONE: Final = 410


class Verdict(StrEnum):
    DELIVERED = "delivered"
    AGAIN = "again"
    GIVEN_UP = "given_up"  # three days, or the receiver says that it is gone


def judge(status: int | None, began_at: datetime, tries: int, now: datetime) -> tuple[Verdict, datetime | None]:
    """Return what a try came to, and when the next is.

    Args:
        status: of the answer; None when there was none. A redirect is no delivery: it is not followed.
        tries: with this one.
    """
    if status is not None and 200 <= status < 300:
        return Verdict.DELIVERED, None
    again = now + timedelta(seconds=PAUSES_S[min(tries, len(PAUSES_S)) - 1])
    if status == GONE or again > began_at + TRIED_FOR:
        return Verdict.GIVEN_UP, None
    return Verdict.AGAIN, again
