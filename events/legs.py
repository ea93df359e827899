"""What a voice node asks the CRM when somebody in a call has another number telephoned. Sans-I/O.

The CRM decides as before every dial, and writes the decision down; the node dials on nothing but the permit.
"""

from typing import Final
from uuid import UUID

import msgspec

from events.permit import Purpose

LEG_PATH: Final = "/internal/calls/legs"  # POST LegQuestion → LegAnswer
NUMBER_CHARS_MAX: Final = 40  # as a person types it, with blanks and brackets


class LegQuestion(msgspec.Struct, frozen=True):
    """Asked again with the same `leg_id` it is the same leg."""

    org_id: UUID
    call_id: UUID
    leg_id: UUID  # becomes the permit's id: a leg is dialled once
    user_id: UUID  # who asks for it
    number: str  # as they wrote it
    purpose: Purpose  # transfer or consult


class LegAnswer(msgspec.Struct, frozen=True):
    permit: str = ""  # empty: refused
    number: str = ""  # E.164, as it is to be dialled
    refused: str = ""  # a reason of the gate's, or `forbidden`
