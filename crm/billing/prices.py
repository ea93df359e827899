"""The price table: what one unit of each resource costs, and from when until when. Sans-I/O but for reading the file.

Read once where a process starts; which of a resource's prices holds is asked before each debit (S62). A call keeps the
price that held when it was placed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml

from events.money import MILLICREDITS_PER_CREDIT, Millicredits

PERIODS_MAX: Final = 100
_NO_PRICE: Final = "must be a positive number of credits, to a thousandth at most"
_NO_TIME: Final = "must be a time with its zone, such as 2027-01-01T00:00:00Z"


class Resource(StrEnum):
    VOICE_MINUTE = "voice_minute"
    INBOUND_MINUTE = "inbound_minute"  # of a call that comes in
    EMAIL_VERIFICATION = "email_verification"
    GENERATION = "generation"


# What may be left out of the table, and which price holds for it then.
_PRICED_AS: Final[Mapping[Resource, Resource]] = {Resource.INBOUND_MINUTE: Resource.VOICE_MINUTE}


class BadPrices(Exception):
    """The table is missing or wrong; `faults` names each price at fault."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Period:
    """`from_` is the first moment of it, `until` the first one after; None: without an end."""

    price: Millicredits
    from_: datetime | None = None
    until: datetime | None = None


# Without a gap, in order: each moment has one price.
Periods = tuple[Period, ...]
Prices = Mapping[Resource, Periods]


def price_at(periods: Periods, at: datetime) -> Millicredits:
    """Return what holds at that moment."""
    for period in periods:
        if period.until is None or at < period.until:
            return period.price
    raise AssertionError("the last period has no end")


def read_prices(path: Path) -> Prices:
    """Return the price table in `path`.

    Raises:
        BadPrices: not readable, a price missing, not a number, zero, negative or finer than a thousandth, or a moment
            without a price or with two.
    """
    table = read_table(path)
    if table is None:
        raise BadPrices([f"{path.name}: cannot be read"])
    if not isinstance(table, dict):
        raise BadPrices([f"{path.name}: is not a table of prices"])
    prices, faults = prices_in(table)
    missing = [resource for resource in Resource if resource not in table]
    faults += [f"{resource}: {_NO_PRICE}" for resource in missing if resource not in _PRICED_AS]
    if faults:
        raise BadPrices(sorted(faults))
    return prices | {resource: prices[_PRICED_AS[resource]] for resource in missing}


def read_table(path: Path) -> Any:
    """Return what a YAML file holds; None when it cannot be read."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None


def prices_in(table: Mapping[Any, Any], where: str = "") -> tuple[dict[Resource, Periods], list[str]]:
    """Return the prices of a table, and what is wrong with it, each with its name behind `where`."""
    found: dict[Resource, Periods] = {}
    faults: list[str] = []
    for name, value in table.items():
        if name not in set(Resource):
            faults.append(f"{where}{name}: is no resource; there are {', '.join(Resource)}")
            continue
        periods, wrong = _periods(value, f"{where}{name}")
        faults += wrong
        found[Resource(name)] = periods
    return found, faults


def _periods(value: Any, where: str) -> tuple[Periods, list[str]]:
    if not isinstance(value, list):
        price = millicredits(value)
        return ((), [f"{where}: {_NO_PRICE}"]) if price is None else ((Period(price),), [])
    if not 1 <= len(value) <= PERIODS_MAX:
        return (), [f"{where}: {_NO_PRICE}, or a list of 1 to {PERIODS_MAX} periods"]
    periods, faults = [], []
    for number, one in enumerate(value):
        period, wrong = _period(one, f"{where}[{number}]")
        periods.append(period)
        faults += wrong
    return tuple(periods), faults or _gaps(periods, where)


def _period(value: Any, where: str) -> tuple[Period, list[str]]:
    if not isinstance(value, dict):
        return Period(Millicredits(0)), [f"{where}: must have price, and from, until or both"]
    faults = [f"{where}.{name}: is none of price, from, until" for name in value.keys() - {"price", "from", "until"}]
    price = millicredits(value.get("price"))
    if price is None:
        faults.append(f"{where}.price: {_NO_PRICE}")
    for name in ("from", "until"):
        time = value.get(name)
        if time is not None and not (isinstance(time, datetime) and time.tzinfo is not None):
            faults.append(f"{where}.{name}: {_NO_TIME}")
    return Period(price or Millicredits(0), value.get("from"), value.get("until")), faults


def _gaps(periods: list[Period], where: str) -> list[str]:
    faults = []
    if periods[0].from_ is not None:
        faults.append(f"{where}[0].from: leave it out: before it there would be no price")
    if periods[-1].until is not None:
        faults.append(f"{where}[{len(periods) - 1}].until: leave it out: after it there would be no price")
    for number, (one, following) in enumerate(pairwise(periods), 1):
        if one.until is None or one.until != following.from_:
            faults.append(f"{where}[{number}].from: must be the until of the period before it")
        elif one.from_ is not None and one.from_ >= one.until:
            faults.append(f"{where}[{number - 1}].until: must be later than its from")
    return faults


def millicredits(value: Any) -> Millicredits | None:
    """Return credits as thousandths; None for what is no price."""
    # YAML's true is an int to Python.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    exact = Decimal(str(value)) * MILLICREDITS_PER_CREDIT
    if not exact.is_finite() or exact <= 0 or exact != exact.to_integral_value():
        return None
    return Millicredits(int(exact))
