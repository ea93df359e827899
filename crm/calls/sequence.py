"""Where an event stands among those already applied to its call. Sans-I/O.

`seq` rises by one from 1 within an epoch; whoever takes a call over raises the epoch.
"""

from enum import Enum, auto


class Place(Enum):
    NEXT = auto()
    DUPLICATE = auto()
    STALE = auto()  # of an epoch that was taken over: refused
    GAP = auto()  # something before it is missing: it waits


def place(applied: tuple[int, int], event: tuple[int, int]) -> Place:
    """Return where the event (epoch, seq) stands, when `applied` was the newest one; (0, 0) before the first."""
    epoch, seq = applied
    event_epoch, event_seq = event
    if event_epoch < epoch:
        return Place.STALE
    if event_epoch > epoch:
        return Place.NEXT if event_seq == 1 else Place.GAP
    if event_seq <= seq:
        return Place.DUPLICATE
    return Place.NEXT if event_seq == seq + 1 else Place.GAP
