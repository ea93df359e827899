"""ETag and If-Match: an update of what has changed since it was read is refused (RFC 9110 §13.1.1). Sans-I/O.

A row carries `version`, one higher with each change; the row is locked or updated conditionally where it is checked.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import Depends, Header

from crm.refusals import Refusal

HEADER_CHARS_MAX: Final = 500
# entity-tag of RFC 9110 §8.8.3; possessive, so that no header makes it go back.
_TAG: Final = re.compile(r'\s*+(W/)?+"([\x21\x23-\x7e\x80-\xff]*+)"\s*+')


class VersionChanged(Refusal):
    """Somebody changed it meanwhile: read it again."""

    def __init__(self, version: int) -> None:
        super().__init__("version_changed", {"version": version})


@dataclass(frozen=True, slots=True)
class Precondition:
    """What a client says that it has read; None: any version will do, so long as it exists."""

    tags: frozenset[str] | None

    def check(self, version: int) -> None:
        """Raises VersionChanged."""
        if self.tags is not None and str(version) not in self.tags:
            raise VersionChanged(version)


def etag_of(version: int) -> str:
    """Return the header's value."""
    return f'"{version}"'


def parse(header: str) -> Precondition:
    """Return what If-Match asks. Weak tags match nothing: a write needs to know every byte.

    Raises:
        Refusal: `invalid_request`, naming the header.
    """
    if header.strip() == "*":
        return Precondition(None)
    tags = [_TAG.fullmatch(part) for part in header.split(",")]
    if len(header) > HEADER_CHARS_MAX or None in tags:
        fault = 'is not a list of entity tags: send the ETag that was read, such as "3"'
        raise Refusal("invalid_request", {"fields": [{"field": "header.if-match", "fault": fault}]})
    return Precondition(frozenset(tag[2] for tag in tags if tag is not None and tag[1] is None))


def precondition_of(if_match: Annotated[str | None, Header()] = None) -> Precondition:
    """Return what the request asks; any version where it asks nothing."""
    return Precondition(None) if if_match is None else parse(if_match)


IfMatch = Annotated[Precondition, Depends(precondition_of)]
