"""What is refused about events that could not be applied, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "dead_event_not_found": Kind(404, "There is no such event among those that could not be applied"),
    "dead_event_fails": Kind(409, "The event cannot be applied yet; it stays where it is"),
}
