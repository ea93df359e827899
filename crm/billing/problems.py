"""What billing refuses."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "call_not_settled": Kind(409, "The call is not settled yet: what it costs is not known"),
    "key_required": Kind(400, "Send an Idempotency-Key: money is moved once for each"),
    "ledger_busy": Kind(503, "The ledger has too much to book now"),
    "organisation_not_found": Kind(404, "There is no such organisation"),
    "plan_limit": Kind(403, "The organisation's plan does not allow more of this"),
    "refund_too_large": Kind(409, "This is more than is left of what the call was charged"),
    "refunds_by_operator": Kind(403, "Only the operator of this installation gives refunds"),
    "too_many_calls": Kind(429, "As many calls are going on as the organisation's plan allows"),
}
