"""The stages that every pipeline begins with, and those that calls move leads into. Sans-I/O."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from crm.leads.model import DEFAULT_STATUS
from crm.leads.progress import CALLBACK_SCHEDULED, DO_NOT_CALL, MEETING_BOOKED, NOT_INTERESTED, RETRY_LATER


class StageKind(StrEnum):
    OPEN = "open"  # something is still to be done
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class StageFields:
    name: str
    slug: str  # what leads say as `status`; never changed
    kind: StageKind = StageKind.OPEN


DEFAULT_PIPELINE_NAME: Final = "New leads"
STAGES: Final = (
    StageFields("New", DEFAULT_STATUS),
    StageFields("Try again later", RETRY_LATER),
    StageFields("Call back", CALLBACK_SCHEDULED),
    StageFields("Meeting booked", MEETING_BOOKED),
    StageFields("Won", "won", StageKind.WON),
    StageFields("Not interested", NOT_INTERESTED, StageKind.LOST),
    StageFields("Do not call", DO_NOT_CALL, StageKind.LOST),
)
# A call moves its lead within the lead's own pipeline, whichever that is: each has these, and none of them goes.
KEPT: Final = frozenset({DEFAULT_STATUS, RETRY_LATER, CALLBACK_SCHEDULED, MEETING_BOOKED, NOT_INTERESTED, DO_NOT_CALL})
