"""What is refused about tags, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "tag_not_found": Kind(404, "There is no such tag"),
    "tag_exists": Kind(409, "There is a tag of that name: take it, or merge the two"),
    "too_many_tags": Kind(409, "There are as many tags as an organisation may have: merge or remove some"),
}
