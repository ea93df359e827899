"""What is refused about custom fields, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "custom_field_not_found": Kind(404, "There is no such custom field"),
    "custom_field_exists": Kind(409, "There is a custom field of that key: change it, or take another key"),
    "too_many_custom_fields": Kind(409, "There are as many custom fields as an organisation may define: remove one"),
}
