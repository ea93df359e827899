"""What is refused about conversations, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "conversation_not_found": Kind(404, "There is no such conversation"),
    "message_not_found": Kind(404, "There is no such message in this conversation"),
    "no_address": Kind(409, "The lead has no address on this channel that can be written to: save it first"),
    "consent_refused": Kind(409, "This person refused to be written to on this channel"),
}
