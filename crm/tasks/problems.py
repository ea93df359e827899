"""What is refused about tasks, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {"task_not_found": Kind(404, "There is no such task")}
