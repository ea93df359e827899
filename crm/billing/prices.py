"""The price table: what one unit of each resource costs. Read once where a process starts (S62)."""

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import yaml

from events.money import MILLICREDITS_PER_CREDIT, Millicredits

RESOURCES: Final = ("voice_minute", "email_verification", "generation")


class BadPrices(Exception):
    """The table is missing or wrong; `faults` names each price at fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Prices:
    voice_minute: Millicredits
    email_verification: Millicredits
    generation: Millicredits


def read_prices(path: Path) -> Prices:
    """Return the price table in `path`.

    Raises:
        BadPrices: not readable, or a price missing, not a number, zero, negative or finer than a thousandth.
    """
    try:
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadPrices([f"{path.name}: cannot be read ({type(error).__name__})"]) from None
    if not isinstance(table, dict):
        raise BadPrices([f"{path.name}: is not a table of prices"])
    found: dict[str, Millicredits] = {}
    faults: list[str] = []
    for resource in RESOURCES:
        price = _millicredits(table.get(resource))
        if price is None:
            faults.append(f"{resource}: must be a positive number of credits, to a thousandth at most")
        else:
            found[resource] = price
    if faults:
        raise BadPrices(faults)
    return Prices(**found)


def _millicredits(value: Any) -> Millicredits | None:
    # YAML's true is an int to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = Decimal(str(value)) * MILLICREDITS_PER_CREDIT
    if not exact.is_finite() or exact <= 0 or exact != exact.to_integral_value():
        return None
    return Millicredits(int(exact))
