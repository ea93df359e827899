"""The operator's rules for dialling, from config/compliance.yaml. Read once where a process starts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from phonenumbers import PhoneNumberType

from crm.compliance.hours import CAUTIOUS, CallingHours, hours_of

_KINDS: dict[str, int] = {
    name.lower(): value
    for name, value in vars(PhoneNumberType).items()
    if name.isupper() and isinstance(value, int) and name != "UNKNOWN"
}


class BadRules(Exception):
    """The rules are missing or wrong; nothing may be dialled without them. `faults` names each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Rules:
    minimum_funded_s: int
    refused_kinds: frozenset[int]  # values of phonenumbers.PhoneNumberType
    allowed_countries: frozenset[str]  # ISO 3166 alpha-2
    calling_hours: CallingHours = CAUTIOUS  # of organisations that set none


def read_rules(path: Path, allowed_countries: tuple[str, ...]) -> Rules:
    """Return the rules in `path` together with the countries of the settings.

    Raises:
        BadRules: not readable, a value missing or malformed, an unknown kind of number, no country.
    """
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadRules([f"{path.name}: cannot be read ({type(error).__name__})"]) from None
    if not isinstance(table, dict):
        raise BadRules([f"{path.name}: is not a table of rules"])
    faults: list[str] = []
    minimum = table.get("minimum_funded_s")
    if isinstance(minimum, bool) or not isinstance(minimum, int) or minimum < 1:
        faults.append("minimum_funded_s: must be a whole number of seconds, 1 at least")
    kinds = _kinds(table.get("refused_number_kinds"), faults)
    hours = _hours(table, faults)
    countries = frozenset(country.upper() for country in allowed_countries)
    if not countries or not all(len(country) == 2 and country.isalpha() for country in countries):
        faults.append("SALESOS_ALLOWED_COUNTRIES: must be one or more two-letter country codes")
    if faults:
        raise BadRules(faults)
    assert isinstance(minimum, int), "checked above"
    return Rules(minimum, kinds, countries, hours)


def _hours(table: dict[str, Any], faults: list[str]) -> CallingHours:
    """Return the hours; where the file says nothing of them, those that are good nearly everywhere."""
    if "calling_hours" not in table:
        return CAUTIOUS
    try:
        hours = hours_of({"week": table["calling_hours"]})
    except ValueError as fault:
        faults.append(f"calling_hours: {fault}")
        return CAUTIOUS
    if not hours.week:
        faults.append('calling_hours: must name a weekday at least, such as monday: "09:00-21:00"')
    return hours


def _kinds(names: Any, faults: list[str]) -> frozenset[int]:
    if not isinstance(names, list):
        faults.append("refused_number_kinds: must be a list")
        return frozenset()
    unknown = [str(name) for name in names if name not in _KINDS]
    if unknown:
        faults.append(f"refused_number_kinds: unknown {', '.join(unknown)}; known are {', '.join(sorted(_KINDS))}")
    return frozenset(_KINDS[name] for name in names if name in _KINDS)
