"""How loaded this process is, what it sheds, and whether one more call would make those in progress suffer. Sans-I/O.

One number, the level: 0 is idle, 1 is where calls in progress begin to suffer. It is the largest of several shares,
each measured against its own limit, because any one of them is enough to be heard. What is shed goes in a declared
order: live taps, then waveform events, then new calls; never speech. A state is entered at one level and left at a
lower one, so that it does not flap.

A measurement tells only of the calls that were already talking. So a new call is judged by a forecast: what was
measured, and what the calls will cost that were let in and are not measured yet, and this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

# What a process with calls uses of a core whatever their number, and then for each call until it knows its own: eight
# calls took 0.13 of a core, 80 took 0.47 and 200 took 0.78 (salesos bench load). Without the first, few look dear.
BASE_USE: Final = 0.08
FIRST_COST: Final = 0.006
COST_MIN, COST_MAX = 0.002, 0.03
COST_CALLS: Final = 8  # fewer calls tell little of what one costs: what the process does anyway outweighs them
COST_GAIN: Final = 0.1  # of each new measurement
BUSY_GAIN: Final = 0.4  # two seconds at two readings a second: a moment's work is no load
STALL_GAIN: Final = 0.1  # ten seconds: one stall, however long, is no load either
# Of so few calls the load is somebody else's, and refusing the next helps nobody.
CALLS_UNREFUSED: Final = 4


class Shedding(IntEnum):
    """What the process does without, each state including those before it."""

    NOTHING = 0
    TAPS = 1  # no live listening
    WAVEFORMS = 2  # no waveform events for screens
    CALLS = 3  # no new calls


# (entered at, left below): the level.
STEPS: Final[Mapping[Shedding, tuple[float, float]]] = {
    Shedding.TAPS: (0.85, 0.75),
    Shedding.WAVEFORMS: (0.92, 0.82),
    Shedding.CALLS: (1.0, 0.9),
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Where calls in progress begin to suffer."""

    busy: float = 0.9  # of the loop's core; above, whoever waits for the loop waits long
    lag_ms: float = 50.0  # p95 of how late the clock's ticks come; the lead of the play-out hides 150
    vad_ms: float = 80.0  # p95 from a window's arrival to its probability; all of it is added to a response
    missed: float = 0.1  # of all ticks, over ten seconds
    underruns: float = 0.01  # a call-second, over ten seconds: listeners heard gaps, ten times what is good


@dataclass(frozen=True, slots=True)
class Reading:
    """What was measured since the last reading."""

    busy: float  # of the loop's core, 0 to 1: running, or waiting to run
    used: float  # of a core, by this process alone: what its calls cost
    calls: int  # with audio
    lag_ms: float = 0.0
    vad_ms: float = 0.0
    missed: float = 0.0
    underruns: float = 0.0  # a call-second


@dataclass(frozen=True, slots=True)
class Load:
    level: float = 0.0
    reason: str = ""  # which share is the largest: busy, lag, vad, missed or underruns
    shedding: Shedding = Shedding.NOTHING


def level_of(shares: Mapping[str, float]) -> tuple[float, str]:
    """Return the largest share and its name."""
    reason = max(shares, key=lambda name: shares[name])
    return shares[reason], reason


def shed(level: float, before: Shedding) -> Shedding:
    """Return what is shed at a level, coming from another state."""
    state = Shedding.NOTHING
    for step, (entered_at, left_below) in STEPS.items():
        if level >= (left_below if before >= step else entered_at):
            state = step
    return state


@dataclass(slots=True)
class Gauge:
    """The process's load as of its newest reading."""

    limits: Limits = field(default_factory=Limits)
    load: Load = field(default_factory=Load)
    cost: float = FIRST_COST  # of a core, for one call
    _busy: float = 0.0
    _missed: float = 0.0
    _underruns: float = 0.0
    _shares: dict[str, float] = field(default_factory=lambda: {"busy": 0.0})

    def take(self, reading: Reading) -> Load:
        """Take a reading and return the load."""
        self._busy += (reading.busy - self._busy) * BUSY_GAIN
        self._missed += (reading.missed - self._missed) * STALL_GAIN
        self._underruns += (reading.underruns - self._underruns) * STALL_GAIN
        if reading.calls >= COST_CALLS:
            measured = min(max((reading.used - BASE_USE) / reading.calls, COST_MIN), COST_MAX)
            self.cost += (measured - self.cost) * COST_GAIN
        limits = self.limits
        self._shares = {
            "busy": self._busy / limits.busy,
            "lag": reading.lag_ms / limits.lag_ms,
            "vad": reading.vad_ms / limits.vad_ms,
            "missed": self._missed / limits.missed,
            "underruns": self._underruns / limits.underruns,
        }
        level, reason = level_of(self._shares)
        self.load = Load(level, reason, shed(level, self.load.shedding))
        return self.load

    def with_more(self, unmeasured: int) -> Load:
        """Return the load as it will be with `unmeasured` calls beyond those that the newest reading tells of."""
        shares = self._shares | {"busy": (self._busy + unmeasured * self.cost) / self.limits.busy}
        level, reason = level_of(shares)
        return Load(level, reason, shed(level, self.load.shedding))

    def refuses(self, calls: int, unmeasured: int) -> bool:
        """Say whether one call more is refused.

        Args:
            calls: all that were let in and are not over.
            unmeasured: those among them that no reading tells of yet: not answered, or answered only just.
        """
        if calls < CALLS_UNREFUSED:
            return False
        return self.with_more(unmeasured + 1).shedding is Shedding.CALLS
