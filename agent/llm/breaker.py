"""The circuit breaker of one provider: when to stop asking it, and when to try again. Sans-I/O: time is an argument.

Our own, because purgatory's reads the wall clock by itself and lets every waiting caller through at once when it
half opens (docs/decisions/0009).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from agent.llm.port import Failure

FAILURES_MAX: Final = 3  # in a row; a single one is the cascade's business
OPEN_S: Final = 10.0  # the first time; doubled with each trial that fails
OPEN_MAX_S: Final = 160.0
RATE_LIMITED_S: Final = 5.0  # when the vendor does not say how long
REFUSED_KEY_S: Final = 60.0  # nobody mends a key within a call, but calls go on when somebody has
TRIAL_S: Final = 15.0  # a trial that never came back does not block the next one for longer
# These say nothing of the provider's health: the request's fault, or ours.
# The account's, not the vendor's: another key would be served.
OF_THE_ACCOUNT: Final = frozenset({Failure.REFUSED_KEY, Failure.RATE_LIMITED})
_NOT_COUNTED: Final = frozenset({Failure.REFUSED_REQUEST, Failure.SWITCHED_OFF, Failure.EXHAUSTED})


def always() -> bool:
    return True


def unheard(_failure: Failure) -> None:
    """For whoever need not be told."""


class State(Enum):
    CLOSED = auto()  # asked as ever
    OPEN = auto()  # not asked
    TRIAL = auto()  # one request is on its way to find out


@dataclass(slots=True)
class Breaker:
    """Moments are seconds of a monotonic clock."""

    state: State = State.CLOSED
    failures: int = 0  # in a row
    account_failed: bool = False  # what failed last was the key or its quota
    _until_s: float = 0.0  # when OPEN ends, or when a TRIAL counts as lost
    _open_s: float = OPEN_S  # how long the next opening lasts

    def admit(self, now_s: float) -> bool:
        """True when the provider may be asked now; when it was open, this very request is the trial."""
        if self.state is State.CLOSED:
            return True
        if now_s < self._until_s:
            return False
        self.state = State.TRIAL
        self._until_s = now_s + TRIAL_S
        return True

    def succeeded(self) -> None:
        """It answered, and did not fail as long as it was listened to."""
        self.state, self.failures, self._open_s = State.CLOSED, 0, OPEN_S
        self.account_failed = False

    def abandoned(self) -> None:
        """Nobody waited for the end: a trial has found out nothing, and the next request is one."""
        if self.state is State.TRIAL:
            self.state, self._until_s = State.OPEN, 0.0

    def failed(self, failure: Failure, now_s: float, retry_after_s: float | None = None) -> None:
        if failure not in _NOT_COUNTED:
            self.account_failed = failure in OF_THE_ACCOUNT
        match failure:
            case Failure.RATE_LIMITED:
                self._open(now_s, RATE_LIMITED_S if retry_after_s is None else retry_after_s)
            case Failure.REFUSED_KEY:
                self._open(now_s, REFUSED_KEY_S)
            case _ if failure in _NOT_COUNTED:
                self.abandoned()
            case _:
                self.failures += 1
                if self.state is State.TRIAL or self.failures >= FAILURES_MAX:
                    self._open(now_s, self._open_s)
                    self._open_s = min(self._open_s * 2, OPEN_MAX_S)

    def _open(self, now_s: float, seconds: float) -> None:
        # An answer that fails late must not shorten what an earlier one has found out.
        until_s = now_s + seconds
        self._until_s = max(self._until_s, until_s) if self.state is State.OPEN else until_s
        self.state = State.OPEN


def once_failed(own: Breaker) -> Callable[[], bool]:
    """Return when a key may be used that stands in for another one: while that one is refused or used up."""
    return lambda: own.account_failed


def unless_failed(bars: Sequence[Breaker]) -> Callable[[], bool]:
    """Return when a key may be used that must not stand in for others: while none of them is refused or used up."""
    return lambda: not any(own.account_failed for own in bars)
