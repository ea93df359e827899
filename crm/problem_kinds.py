"""What a refusal's code means on the HTTP side: a status and a sentence.

A feature keeps its own codes in `problems.py` of its folder, as KINDS; crm.problems merges them.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Kind:
    status: int
    title: str


def merge(*parts: Mapping[str, Kind]) -> Mapping[str, Kind]:
    """Return all of them as one.

    Raises:
        ValueError: a code stands in two: codes are a contract with clients, so each has one meaning.
    """
    merged: dict[str, Kind] = {}
    for part in parts:
        if twice := sorted(merged.keys() & part.keys()):
            raise ValueError(f"codes of problems that stand twice: {', '.join(twice)}")
        merged |= part
    return merged
