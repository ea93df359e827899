"""What is refused about duplicates, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "suggestion_not_found": Kind(404, "There is no such suggestion"),
    "merge_not_found": Kind(404, "There is no such merge"),
    "merge_not_undoable": Kind(409, "The merge cannot be undone now"),
}
