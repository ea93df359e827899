"""What prompts refuse, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "prompt_not_found": Kind(404, "There is no such prompt"),
    "prompt_version_not_found": Kind(404, "The prompt has no such version"),
    "prompt_exists": Kind(409, "There is a prompt of that name"),
    "no_previous_version": Kind(409, "No version was in force before this one"),
}
