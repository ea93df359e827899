"""What is refused about webhooks, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "webhook_not_found": Kind(404, "There is no such webhook"),
    "delivery_not_found": Kind(404, "There is no such posting"),
    "too_many_webhooks": Kind(409, "There are as many webhooks as an organisation may have"),
}
