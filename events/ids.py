"""Identifiers: UUIDv7 everywhere, so that ids sort by the time they were made (RFC 9562 §5.7)."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a new UUIDv7."""
    return uuid7()
