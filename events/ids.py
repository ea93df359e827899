"""Identifiers: UUIDv7 everywhere, so that ids sort by the time they were made (RFC 9562 §5.7)."""

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return uuid7()


def first_id(moment: datetime) -> UUID:
    """Return what ids that are made at that millisecond or later are not below. Raises ValueError: before 1970."""
    ms = int(moment.timestamp() * 1_000)
    if ms < 0:
        raise ValueError("there are no ids of a time before 1970")
    return UUID(int=ms << 80)
