"""Versions of a prompt: their numbers, and which of them a call gets. Sans-I/O.

A version never changes. What changes is which one is in force: the active one, or for a while several by shares.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple
from uuid import UUID

LATEST: Final = "latest"  # whatever is in force
PERCENT: Final = 100
_NUMBER: Final = re.compile(r"(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})")


class Version(NamedTuple):
    """Such as 1.2; a later one compares as greater."""

    major: int
    minor: int

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"

    def next(self, *, major: bool = False) -> "Version":
        return Version(self.major + 1, 0) if major else Version(self.major, self.minor + 1)


FIRST: Final = Version(1, 0)


class BadVersion(ValueError):
    """Not the number of a version."""


class BadShares(ValueError):
    """Shares that cannot be given; the message says why."""


def parse_version(text: str) -> Version:
    """Return the version of a number such as `1.2`. Raises BadVersion."""
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise BadVersion("must be the number of a version, such as 1.2")
    return Version(int(match[1]), int(match[2]))


@dataclass(frozen=True, slots=True)
class InForce:
    """What of a prompt is in force."""

    prompt_id: UUID
    active: Version
    shares: tuple[tuple[Version, int], ...] = ()  # in the order of versions, in percent; empty: no comparison runs

    def version_for(self, wanted: str, call_id: UUID | None) -> Version:
        """Return the version that a call gets; the same one each time. Raises BadVersion."""
        if wanted != LATEST:
            return parse_version(wanted)
        if not self.shares or call_id is None:
            return self.active
        # By a hash, so that the shares hold for any run of calls, and anew for each prompt.
        digest = hashlib.sha256(self.prompt_id.bytes + call_id.bytes).digest()
        place = int.from_bytes(digest[:8]) % PERCENT
        for version, share in self.shares:
            if place < share:
                return version
            place -= share
        raise AssertionError("shares add up to 100")


def read_shares(given: Mapping[str, int]) -> tuple[tuple[Version, int], ...]:
    """Return shares in percent by version, in the order of versions.

    Raises:
        BadShares: fewer than two, a number that is no version, a share below 1, or not 100 together.
    """
    try:
        shares = sorted((parse_version(number), share) for number, share in given.items())
    except BadVersion as error:
        raise BadShares(str(error)) from None
    if len(shares) < 2:
        raise BadShares("a comparison needs two versions or more")
    if any(share < 1 for _, share in shares):
        raise BadShares("each share must be at least 1")
    if sum(share for _, share in shares) != PERCENT:
        raise BadShares(f"the shares must add up to 100, and add up to {sum(share for _, share in shares)}")
    return tuple(shares)
