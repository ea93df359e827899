"""What is refused about exports, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "export_not_found": Kind(404, "There is no such export, or its link has expired"),
}
