"""What is refused about founding organisations, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "sign_up_closed": Kind(403, "Organisations are founded by the operator here"),
}
