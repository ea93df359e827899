"""What people in a call are told of its end before it comes: in how many seconds, and why. Plain calls; nothing waits.

A call may have several ends ahead, its credits' and its node's: the nearest is told, and what comes after it when that
one is put off.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

WARN_S: Final = 60.0  # before funds end: time to come to an arrangement, where the agent needs 12 s for a goodbye
_CHANGED_S: Final = 1.0  # an end that moves by less is the same


class Why(StrEnum):
    CREDITS = "credits"
    TIME_LIMIT = "time_limit"
    NODE_STOPS = "node_stops"


_FUNDS: Final = frozenset({Why.CREDITS, Why.TIME_LIMIT})  # one end, whose name depends on which comes first


@dataclass(frozen=True, slots=True)
class EndsSoon:
    """A signal for the call's queue: it ends so soon. `in_s` None: it does not, for that reason."""

    why: Why
    in_s: float | None


@dataclass(frozen=True, slots=True)
class Ending:
    """`why` None: it was put off."""

    why: Why | None
    in_s: float = 0.0


Tell = Callable[[Ending], None]
_End = tuple[Why, float]


class Endings:
    """One call's. `now_s`: a monotonic clock."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        self._now_s = now_s
        self._ends: dict[Why, float] = {}  # when, by that clock
        self._told: _End | None = None
        self._followers: dict[str, Tell] = {}

    def follow(self, name: str, tell: Tell) -> None:
        """Tell somebody what is known now, and what changes."""
        self._followers[name] = tell
        if self._told is not None:
            tell(self._ending(*self._told))

    def unfollow(self, name: str) -> None:
        self._followers.pop(name, None)

    def take(self, signal: EndsSoon) -> None:
        """An end came into sight, moved, or is out of sight again."""
        for why in _FUNDS if signal.why in _FUNDS else (signal.why,):
            self._ends.pop(why, None)
        if signal.in_s is not None:
            self._ends[signal.why] = self._now_s() + signal.in_s
        nearest = self._nearest
        if _same(self._told, nearest):
            return
        self._told = nearest
        ending = Ending(None) if nearest is None else self._ending(*nearest)
        for tell in tuple(self._followers.values()):
            tell(ending)

    @property
    def came(self) -> Why | None:
        """Why the call is over, if it lasted until an end of these."""
        nearest = self._nearest
        return nearest[0] if nearest is not None and nearest[1] - self._now_s() < _CHANGED_S else None

    @property
    def _nearest(self) -> _End | None:
        return min(self._ends.items(), key=lambda end: end[1], default=None)

    def _ending(self, why: Why, at_s: float) -> Ending:
        return Ending(why, max(0.0, at_s - self._now_s()))


def _same(told: _End | None, now: _End | None) -> bool:
    if told is None or now is None:
        return told is now
    return told[0] is now[0] and abs(told[1] - now[1]) < _CHANGED_S
