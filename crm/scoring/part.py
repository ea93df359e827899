"""One reason of a score. Sans-I/O."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    points: int  # what it adds to its side of the score, before the weight
    reason: str  # for people
