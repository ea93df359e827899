"""What is refused about jobs, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "dead_job_not_found": Kind(404, "There is no such dead job, or it is being tried again"),
}
