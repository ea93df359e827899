"""What billing refuses."""

from collections.abc import Mapping
from typing import Final

from crm.problem_kinds import Kind

KINDS: Final[Mapping[str, Kind]] = {
    "ledger_busy": Kind(503, "The ledger has too much to book now"),
}
