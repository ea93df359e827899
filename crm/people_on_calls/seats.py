"""What each seat in a call takes. Sans-I/O."""

from crm.permissions import Permission
from events.ticket import Seat


def needed(seat: Seat) -> tuple[Permission, ...]:
    """Return the permissions without which nobody gets that seat, or keeps it."""
    if seat is Seat.SUPERVISOR:
        return Permission.CALLS_JOIN, Permission.CALLS_LISTEN
    return (Permission.CALLS_JOIN,)
