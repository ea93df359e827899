"""What is refused about phone numbers, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "number_not_found": Kind(404, "There is no such phone number"),
    "number_taken": Kind(409, "That phone number is somebody's already: name one that nobody has"),
    "too_many_numbers": Kind(409, "There are as many phone numbers as an organisation may have: remove some"),
}
