"""What is refused about notes, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {"note_not_found": Kind(404, "There is no such note")}
