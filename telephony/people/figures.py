"""What people at calls have shown so far: plain counters, added to when something happens. Sans-I/O."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class PeopleFigures:
    """Of one process."""

    pages: int = 0  # open now
    legs: int = 0  # connected now
    refused: Counter[str] = field(default_factory=Counter)  # sockets that were not let in, by code
    sent_away: Counter[str] = field(default_factory=Counter)  # who may not be in calls any more, by code
    legs_connected: int = 0
    legs_failed: Counter[str] = field(default_factory=Counter)  # by code
    shed: int = 0  # messages of feeds that slow pages went without
    live_dropped: int = 0  # entries of organisations' live streams that Redis did not take
    datagrams_refused: int = 0  # of nobody we know, or not what they should be
