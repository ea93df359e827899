"""How long a job that failed waits before it is tried again. Sans-I/O."""

from typing import Final

FIRST_S: Final = 15
FACTOR: Final = 3
LONGEST_S: Final = 3_600
# More steps than these reach the longest wait, whatever the number.
_STEPS_MAX: Final = 10


def wait_s(failures: int) -> int:
    """Return the seconds to wait after so many failures, the first being 1: 15, 45, 135, … up to an hour."""
    if failures < 1:
        raise ValueError("a job that has not failed does not wait")
    return int(min(LONGEST_S, FIRST_S * FACTOR ** min(failures - 1, _STEPS_MAX)))


def tries_within(seconds: int) -> int:
    """Return how many tries it takes until that time has passed since the first."""
    tries, passed = 1, 0
    while passed < seconds:
        passed += wait_s(tries)
        tries += 1
    return tries
