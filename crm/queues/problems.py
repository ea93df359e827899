"""What is refused about queues, as problems."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "queue_not_found": Kind(404, "There is no such queue"),
    "queue_exists": Kind(409, "There is a queue of that name"),
    "too_many_queues": Kind(409, "There are as many queues as an organisation may have: remove one"),
    "no_node_for_people": Kind(503, "No voice node that takes people is alive now"),
}
