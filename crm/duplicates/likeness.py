"""How alike two leads are, and which ones are compared. Sans-I/O.

Not every pair is looked at: leads come in the order of one of their fields, and each is compared with the few before
it (the sorted neighbourhood method of Hernández and Stolfo, 1995). So a million leads take ten million comparisons of
about a microsecond, and memory for a few.
"""

import unicodedata
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from uuid import UUID

from rapidfuzz import fuzz

NEIGHBOURS: Final = 10
# Of 100: below, names are two people's. "Ana Souza" and "Anna Sousa" have 84, "Ana Souza" and "Ana Silva" 67.
NAME_MIN: Final = 84.0
COMPANY_MIN: Final = 85.0
EMAIL_MIN: Final = 85.0
SCORE_MIN: Final = 70
_PLAIN_KEPT: Final = 1_024


class Reason(StrEnum):
    PHONE = "phone"  # the same
    EMAIL = "email"  # the same, or nearly
    NAME = "name"  # nearly
    COMPANY = "company"  # nearly


@dataclass(frozen=True, slots=True)
class Candidate:
    id: UUID
    name: str
    email: str | None
    phone: str | None
    company: str


@dataclass(frozen=True, slots=True)
class Likeness:
    score: int  # SCORE_MIN to 100
    reasons: tuple[Reason, ...]


def likeness(one: Candidate, other: Candidate) -> Likeness | None:
    """Return how alike they are; None when they are two people as far as can be told. The order means nothing."""
    name = fuzz.token_sort_ratio(_plain(one.name), _plain(other.name))
    alike = name >= NAME_MIN and _digits(one.name) == _digits(other.name)
    reasons = [Reason.NAME] if alike else []
    score = 0.0
    if one.phone is not None and one.phone == other.phone:
        # A number alone may be a family's or a company's.
        score = 60 + 0.4 * name
        reasons.append(Reason.PHONE)
    if one.email is not None and other.email is not None:
        email = fuzz.ratio(one.email, other.email)
        if email == 100:
            score = max(score, 70 + 0.3 * name)
            reasons.append(Reason.EMAIL)
        elif alike and email >= EMAIL_MIN and _digits(one.email) == _digits(other.email):
            score = max(score, 0.45 * (name + email))
            reasons.append(Reason.EMAIL)
    if alike and one.company and other.company:
        company = fuzz.token_sort_ratio(_plain(one.company), _plain(other.company))
        if company >= COMPANY_MIN:
            score = max(score, 0.45 * (name + company))
            reasons.append(Reason.COMPANY)
    if score < SCORE_MIN:
        return None
    return Likeness(min(100, round(score)), tuple(sorted(reasons)))


class Neighbourhood:
    """Takes leads in the order of a field, and gives out those among the last few that each is like."""

    def __init__(self, size: int = NEIGHBOURS) -> None:
        self._last: deque[Candidate] = deque(maxlen=size)

    def take(self, lead: Candidate) -> Iterator[tuple[Candidate, Likeness]]:
        """Yield them, then remember the lead."""
        for other in self._last:
            found = likeness(lead, other)
            if found is not None:
                yield other, found
        self._last.append(lead)


def _digits(text: str) -> str:
    """Return what is no slip when it differs: "Store 12" and "Store 13" are two."""
    return "".join(letter for letter in text if letter.isdigit())


@lru_cache(_PLAIN_KEPT)
def _plain(text: str) -> str:
    bare = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter if letter.isalnum() else " " for letter in bare if not unicodedata.combining(letter))
