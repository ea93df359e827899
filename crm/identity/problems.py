"""What is refused about people, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "member_not_found": Kind(404, "There is no such member"),
    "session_not_found": Kind(404, "There is no such session, or it is over"),
    "last_admin": Kind(409, "An organisation keeps one active admin: make somebody else admin first"),
}
