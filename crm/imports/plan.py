"""What is to be done with a file's columns and with rows whose lead is there already. Sans-I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from crm.imports.numbers import REGIONS
from crm.refusals import Refusal

Key = Literal["email", "phone"]
WhenFound = Literal["skip", "update", "create"]

# What a column may be put into; a name's two halves are joined, an owner is named by their mail address.
FIELDS: Final = (
    "name",
    "first_name",
    "last_name",
    "email",
    "phone",
    "company",
    "source",
    "pipeline",
    "status",
    "score",
    "notes",
    "next_step",
    "time_zone",
    "do_not_call",
    "owner",
)
CUSTOM: Final = "custom_fields."
CUSTOM_NAME_CHARS_MAX: Final = 100
CUSTOM_MAX: Final = 100
DEFAULTS: Final = ("source", "pipeline", "status")


class BadPlan(Refusal):
    def __init__(self, name: str, fault: str) -> None:
        super().__init__("invalid_request", {"fields": [{"field": f"body.{name}", "fault": fault}]})


@dataclass(frozen=True, slots=True)
class Plan:
    mapping: Mapping[int, tuple[str, ...]]  # a column's number, from 0, to what it is put into
    match_on: tuple[Key, ...] = ("email", "phone")  # what tells that a lead is there already
    when_found: WhenFound = "skip"
    region: str = ""  # of numbers without a country's code
    defaults: Mapping[str, str] = field(default_factory=dict)  # of new leads, where the row says nothing

    def stored(self) -> dict[str, Any]:
        return {
            "mapping": [[column, *targets] for column, targets in self.mapping.items()],
            "match_on": list(self.match_on),
            "when_found": self.when_found,
            "region": self.region,
            "defaults": dict(self.defaults),
        }


def restored(told: Mapping[str, Any]) -> Plan:
    """Return the plan that `stored` was asked of."""
    mapping = {column: tuple(targets) for column, *targets in told["mapping"]}
    return Plan(mapping, tuple(told["match_on"]), told["when_found"], told["region"], told["defaults"])


def plan_of(
    columns: Sequence[tuple[str, str]],
    names: Sequence[str],
    *,
    match_on: Sequence[Key],
    when_found: WhenFound,
    region: str,
    defaults: Mapping[str, str],
) -> Plan:
    """Return the plan that somebody asked for.

    Args:
        columns: (a column's name, what it is put into); columns that are not named are left out.

    Raises:
        BadPlan: naming what does not go together.
    """
    mapping: dict[int, tuple[str, ...]] = {}
    taken: set[str] = set()
    for name, target in columns:
        if name not in names:
            raise BadPlan("mapping", f"there is no column {name[:80]!r} in the file")
        _check_target(target)
        if target in taken:
            raise BadPlan("mapping", f"{target} is given by two columns: leave one of them out")
        taken.add(target)
        place = list(names).index(name)
        mapping[place] = (*mapping.get(place, ()), target)
    if not taken & {"name", "first_name", "last_name"}:
        raise BadPlan("mapping", "no column is put into name: every lead has one")
    if "name" in taken and taken & {"first_name", "last_name"}:
        raise BadPlan("mapping", "name goes without first_name and last_name")
    if sum(target.startswith(CUSTOM) for target in taken) > CUSTOM_MAX:
        raise BadPlan("mapping", f"at most {CUSTOM_MAX} columns go into custom fields")
    if region and region not in REGIONS:
        raise BadPlan("region", "must be a country's two letters, such as BR")
    keys = tuple(key for key in match_on if key in taken)
    if when_found != "create" and not keys:
        raise BadPlan("match_on", "no column holds what leads are matched by: map email or phone, or always create")
    return Plan(mapping, keys, when_found, region, defaults)


def _check_target(target: str) -> None:
    if target in FIELDS:
        return
    name = target.removeprefix(CUSTOM)
    if not target.startswith(CUSTOM) or not name.strip() or len(name) > CUSTOM_NAME_CHARS_MAX or "\x00" in name:
        raise BadPlan("mapping", f"{target[:80]!r} is none of: {', '.join(FIELDS)}, {CUSTOM}NAME")
