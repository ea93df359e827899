"""The operator's plans: how much of what an organisation may have at a time, and prices of its own. Sans-I/O but for
reading the file, once where a process starts (S67).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from crm.billing.prices import Prices, millicredits, prices_in, read_table
from events.money import Millicredits

PLANS_MAX: Final = 50
LIMIT_MAX: Final = 1_000_000
NONE: Final = Millicredits(0)
LIMITS: Final = ("concurrent_calls", "seats")


class BadPlans(Exception):
    """The table is missing or wrong; `faults` names each plan and field at fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Plan:
    """None: not limited."""

    name: str
    concurrent_calls: int | None = None
    seats: int | None = None
    prices: Prices = field(default_factory=dict)  # those that differ from the table's
    credit: Millicredits = NONE  # what its calls may use beyond what was paid, so that they can end


@dataclass(frozen=True, slots=True)
class Plans:
    by_name: Mapping[str, Plan]
    default: Plan

    def named(self, name: str) -> Plan:
        """Return an organisation's plan; the default for none, and for one that the operator has taken away since."""
        return self.by_name.get(name, self.default)


def read_plans(path: Path) -> Plans:
    """Return the plans in `path`.

    Raises:
        BadPlans: not readable, a limit that is no whole number from 1, a price as in `read_prices`, an unknown field,
            or a default that is no plan.
    """
    table = read_table(path)
    if table is None:
        raise BadPlans([f"{path.name}: cannot be read"])
    listed = table.get("plans") if isinstance(table, dict) else None
    if not isinstance(listed, dict) or not 1 <= len(listed) <= PLANS_MAX:
        raise BadPlans([f"plans: must be a table of 1 to {PLANS_MAX} plans by their names"])
    faults = [f"{name}: is none of default, plans" for name in table.keys() - {"default", "plans"}]
    plans: dict[str, Plan] = {}
    for name, value in listed.items():
        if not isinstance(name, str) or not name.isidentifier():
            faults.append(f"plans.{name}: a plan's name is letters, digits and underscores")
            continue
        plan, wrong = _plan(name, value)
        plans[name] = plan
        faults += wrong
    default = table.get("default")
    if default not in plans:
        faults.append(f"default: must be one of {', '.join(plans)}")
    if faults:
        raise BadPlans(sorted(faults))
    return Plans(plans, plans[default])


def _plan(name: str, value: Any) -> tuple[Plan, list[str]]:
    where = f"plans.{name}"
    if value is None:
        return Plan(name), []
    if not isinstance(value, dict):
        return Plan(name), [f"{where}: must be a table"]
    others = value.keys() - {*LIMITS, "credit", "prices"}
    faults = [f"{where}.{field}: is none of {', '.join(LIMITS)}, credit, prices" for field in others]
    faults += [
        f"{where}.{limit}: must be a whole number from 1 to {LIMIT_MAX}; leave it out for no limit"
        for limit in LIMITS
        if limit in value and not _is_limit(value[limit])
    ]
    credit = millicredits(value["credit"]) if "credit" in value else NONE
    if credit is None:
        faults.append(f"{where}.credit: must be a positive number of credits; leave it out for none")
    own = value.get("prices", {})
    if not isinstance(own, dict):
        return Plan(name), [*faults, f"{where}.prices: must be a table of prices"]
    prices, wrong = prices_in(own, f"{where}.prices.")
    plan = Plan(name, value.get("concurrent_calls"), value.get("seats"), prices, credit or NONE)
    return plan, faults + wrong


def _is_limit(value: Any) -> bool:
    # YAML's true is an int to Python.
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= LIMIT_MAX
