"""Custom fields with a type: what may stand in each, from JSON and from what people write. Sans-I/O.

A field that nobody has defined takes any value, as all of them did once. A value that a lead has already is not judged
again, so that defining a field, or its options anew, breaks no lead.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

TEXT_CHARS_MAX: Final = 5_000
# Whole numbers of JSON that every reader keeps exactly (RFC 8259 §6).
NUMBER_MAX: Final = 2**53 - 1
# A comma is a decimal one where it cannot part thousands.
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,15}(?:\.[0-9]{1,10}|,[0-9]{1,2})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_YES: Final = frozenset({"true", "t", "yes", "y", "1", "x", "on", "sim", "s", "verdadeiro"})
_NO: Final = frozenset({"false", "f", "no", "n", "0", "off", "não", "nao", "falso", "-"})


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    CHOICE = "choice"
    BOOLEAN = "boolean"


@dataclass(frozen=True, slots=True)
class Definition:
    key: str  # as in a lead's custom_fields
    label: str
    type: FieldType
    options: tuple[str, ...] = ()  # of a choice
    required: bool = False  # of new leads, and not to be taken from one that has it


@dataclass(frozen=True, slots=True)
class FieldFault:
    key: str
    fault: str


class Definitions:
    """All fields that an organisation has defined."""

    def __init__(self, definitions: Iterable[Definition] = ()) -> None:
        self._by_key = {one.key: one for one in definitions}

    def __iter__(self) -> Iterator[Definition]:
        return iter(self._by_key.values())

    @property
    def required(self) -> list[str]:
        return [one.key for one in self if one.required]

    def kept(
        self, values: Mapping[str, Any], before: Mapping[str, Any] | None = None
    ) -> tuple[dict[str, Any], Sequence[FieldFault]]:
        """Return the values as they are kept, and what is wrong with them.

        Args:
            before: what the lead has; None: it is new.
        """
        made: dict[str, Any] = {}
        faults = []
        for key, value in values.items():
            one = self._by_key.get(key)
            try:
                same = before is not None and key in before and _same(before[key], value)
                plain = value if one is None or same else _checked(one, value)
            except ValueError as fault:
                faults.append(FieldFault(key, str(fault)))
                continue
            if plain is not None or one is None:
                made[key] = plain
        for key in self.required:
            if key not in made and (before is None or key in before) and key not in {fault.key for fault in faults}:
                faults.append(FieldFault(key, "is required"))
        return made, faults

    def reader(self, key: str) -> Callable[[str], Any] | None:
        """Return what makes a value of a text that somebody wrote, and raises ValueError; None: it stays a text."""
        one = self._by_key.get(key)
        return None if one is None else lambda text: read_text(one, text)

    def asked(self, field: str) -> str:
        """Return KEY=VALUE of a filter with the value as the search knows it. Raises ValueError."""
        key, _, text = field.partition("=")
        one = self._by_key.get(key)
        if one is None or not text:
            return field
        value = read_text(one, text)
        return f"{key}={value if isinstance(value, str) else json.dumps(value)}"


def read_text(one: Definition, text: str) -> Any:
    """Return the value that a text means. Raises ValueError, with a sentence for whoever wrote it."""
    match one.type:
        case FieldType.NUMBER:
            if not _NUMBER.fullmatch(text.strip()):
                raise ValueError("must be a number, such as 12 or 12.5")
            return _number(float(text.strip().replace(",", ".")))
        case FieldType.BOOLEAN:
            return yes_or_no(text)
        case _:
            return _checked(one, text)


def yes_or_no(text: str) -> bool:
    """Raises ValueError."""
    lower = text.strip().lower()
    if lower in _YES:
        return True
    if lower in _NO:
        return False
    raise ValueError("must be yes or no")


def _checked(one: Definition, value: Any) -> Any:
    """Return the value as it is kept; None: there is none. Raises ValueError."""
    if isinstance(value, str):
        value = value.strip()
    if value is None or value == "":
        return None
    match one.type:
        case FieldType.TEXT:
            if not isinstance(value, str) or len(value) > TEXT_CHARS_MAX:
                raise ValueError(f"must be a text of at most {TEXT_CHARS_MAX} characters")
            return value
        case FieldType.NUMBER:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError("must be a number")
            return _number(value)
        case FieldType.BOOLEAN:
            if not isinstance(value, bool):
                raise ValueError("must be true or false")
            return value
        case FieldType.DATE:
            return _date(value)
        case FieldType.CHOICE:
            return _choice(one, value)


def _number(value: float) -> int | float:
    if not math.isfinite(value) or abs(value) > NUMBER_MAX:
        raise ValueError(f"must be a number from -{NUMBER_MAX} to {NUMBER_MAX}")
    # One form of a number, so that it is found by its value.
    return int(value) if value == int(value) else value


def _date(value: Any) -> str:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise ValueError("must be a day, such as 2026-05-04")


def _choice(one: Definition, value: Any) -> str:
    if isinstance(value, str):
        for option in one.options:
            if option.casefold() == value.casefold():
                return option
    raise ValueError(f"must be one of: {', '.join(one.options)}")


def _same(one: Any, other: Any) -> bool:
    # 1 and True are equal to Python, and two values of JSON.
    return type(one) is type(other) and bool(one == other)
