"""What is refused to people who want to come to a call, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "call_not_begun": Kind(409, "No voice node has begun the call yet"),
    "call_node_away": Kind(503, "The call's voice node cannot be reached now"),
}
