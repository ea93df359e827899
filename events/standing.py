"""What a voice node asks the CRM about the people who are in its calls: whether they may still be there. Sans-I/O.

A ticket says what held when somebody came. Who is signed out, taken out of the organisation or given another role
meanwhile leaves; the node asks about all of its people at once, every few seconds.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

from events.ticket import Seat

STANDING_PATH: Final = "/internal/people/standing"  # POST StandingQuestion → StandingAnswer
PEOPLE_MAX: Final = 200  # of one question


class Gone(StrEnum):
    """Why somebody may not stay."""

    SIGNED_OUT = "signed_out"  # the session is over, or they belong to the organisation no more
    NOT_ALLOWED = "not_allowed"  # their role takes that seat no longer


class InCall(msgspec.Struct, frozen=True):
    """One person, as their ticket names them."""

    org_id: UUID
    user_id: UUID
    session_id: UUID
    seat: Seat


class StandingQuestion(msgspec.Struct, frozen=True):
    people: tuple[InCall, ...]


class StandingAnswer(msgspec.Struct, frozen=True):
    gone: tuple[Gone | None, ...]  # of each that was asked about, in their order; none: they stay
