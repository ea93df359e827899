"""Whose votes count in the data set: those of people who vote as if they had read what they vote on. Sans-I/O.

A vote is kept and shown whoever gave it; only the data set leaves some out. The rule, over a person's votes of the
last 90 days: nearly all of many votes down, more votes in ten minutes than one can read for, or nearly always against
what the others say of the same thing.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

LOOKED_AT: Final = timedelta(days=90)
MANY: Final = 20  # votes; of fewer nothing is concluded
DOWN_SHARE: Final = 0.9
BURST: Final = 30  # votes
BURST_TIME: Final = timedelta(minutes=10)
SHARED_MIN: Final = 10  # things that at least two others voted on, and agreed on
CONTRARY_SHARE: Final = 0.8


class Distrust(StrEnum):
    MASS_DOWN_VOTER = "mass_down_voter"
    TOO_FAST = "too_fast"
    CONTRARY = "contrary"


@dataclass(frozen=True, slots=True)
class Cast:
    """One vote."""

    user_id: UUID
    generation: Hashable
    vote: int  # 1 or -1
    at: datetime


def distrusted(votes: Sequence[Cast]) -> Mapping[UUID, Distrust]:
    """Return whose votes are left out, and why."""
    by_user: dict[UUID, list[Cast]] = {}
    for vote in votes:
        by_user.setdefault(vote.user_id, []).append(vote)
    sums = Counter[Hashable]()
    voters = Counter[Hashable]()
    for vote in votes:
        sums[vote.generation] += vote.vote
        voters[vote.generation] += 1
    found: dict[UUID, Distrust] = {}
    for user_id, own in by_user.items():
        if len(own) >= MANY and sum(vote.vote < 0 for vote in own) >= DOWN_SHARE * len(own):
            found[user_id] = Distrust.MASS_DOWN_VOTER
        elif _in_a_burst(sorted(vote.at for vote in own)):
            found[user_id] = Distrust.TOO_FAST
        elif _contrary(own, sums, voters):
            found[user_id] = Distrust.CONTRARY
    return found


def _in_a_burst(times: Sequence[datetime]) -> bool:
    return any(times[at + BURST] - times[at] <= BURST_TIME for at in range(len(times) - BURST))


def _contrary(own: Sequence[Cast], sums: Mapping[Hashable, int], voters: Mapping[Hashable, int]) -> bool:
    shared, against = 0, 0
    for vote in own:
        others = sums[vote.generation] - vote.vote
        count = voters[vote.generation] - 1
        if count >= 2 and abs(others) == count:  # at least two, all of one mind
            shared += 1
            against += (others > 0) != (vote.vote > 0)
    return shared >= SHARED_MIN and against >= CONTRARY_SHARE * shared
