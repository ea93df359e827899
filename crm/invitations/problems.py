"""What is refused about invitations, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "invitation_not_found": Kind(404, "There is no such open invitation"),
    "already_member": Kind(409, "This person belongs to the organisation already"),
    "too_many_invitations": Kind(409, "There are as many open invitations as an organisation may have"),
}
