"""How far an organisation's credits are used up, and of which level that is to be told. Sans-I/O (S65)."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

# In percent of what there was after credits came in last; the higher one says all that the lower one says.
LEVELS: Final = (80, 95)
# Credits that are bought in advance have no billing period: one warning of each level a day.
PERIOD: Final = timedelta(hours=24)


def level_of(base: int, available: int) -> int | None:
    """Return the highest level that is reached; None for none.

    Args:
        base: what there was after credits came in last.
        available: the wallet, and what is held for calls and not used yet.
    """
    used = base - available
    # Whole numbers: a level is reached exactly, not by a rounding.
    reached = [level for level in LEVELS if base > 0 and used * 100 >= level * base]
    return max(reached, default=None)


def is_due(level: int, told: Mapping[int, datetime], now: datetime) -> bool:
    """Whether that level is to be told now.

    Args:
        told: when each level was told last.
    """
    return all(now - at >= PERIOD for earlier, at in told.items() if earlier >= level)
