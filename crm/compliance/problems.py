"""What is refused about the hour of a call, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "outside_calling_hours": Kind(409, "It is not an hour to call at where this number is"),
    "time_zone_unknown": Kind(409, "What time it is where this number is is not known: set the lead's time zone"),
}
