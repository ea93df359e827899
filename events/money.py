"""Money: integers of a thousandth of a credit, and how a call's seconds are priced. Sans-I/O."""

from typing import Final, NewType

Millicredits = NewType("Millicredits", int)

MILLICREDITS_PER_CREDIT: Final = 1_000
SECONDS_PER_MINUTE: Final = 60


def credits_to_milli(whole_credits: float) -> Millicredits:
    """Return credits as thousandths; fractions finer than a thousandth are rounded half to even."""
    return Millicredits(round(whole_credits * MILLICREDITS_PER_CREDIT))


def price_of_seconds(seconds: int, per_minute: Millicredits) -> Millicredits:
    """Return what `seconds` of a call cost, rounded up to a thousandth in the operator's favour.

    Raises:
        ValueError: negative seconds, or a price that is not positive (S62).
    """
    if seconds < 0:
        raise ValueError("seconds must not be negative")
    if per_minute <= 0:
        raise ValueError("per_minute must be positive")
    return Millicredits(-(-seconds * per_minute // SECONDS_PER_MINUTE))


def seconds_paid_by(amount: Millicredits, per_minute: Millicredits) -> int:
    """Return how many whole seconds `amount` pays for: the largest n with price_of_seconds(n) <= amount."""
    if per_minute <= 0:
        raise ValueError("per_minute must be positive")
    return max(0, amount) * SECONDS_PER_MINUTE // per_minute
