"""Filters by custom fields, as somebody writes them, as the terms that the search of leads knows. Sans-I/O.

A value is one term, `key=value`. A span of numbers or days is a few beginnings of terms: days are kept so that they
sort as texts, and of each number there is a term of digits that does (see the migration), so that one index answers
all of it.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from crm.custom_fields.kinds import NUMBER_MAX, Definition, Definitions, FieldType, read_text

# Between the terms of a group, any of which is to be found, and before each: whole, or the beginning of one.
PART: Final = "\x1f"
WHOLE: Final = "="
BEGINS: Final = "~"
OPERATORS: Final = (">=", "<=", ">", "<")
_KEY: Final = re.compile(r"[^=<>]+(?=[=<>])")
_NOTHING: Final = "~"  # no lead has this term
# Numbers are told apart to so many decimals; with them they fit into so many digits, those below zero moved above it.
DECIMALS: Final = 10
DIGITS: Final = 27
_ZERO: Final = 10 ** (DIGITS - 1)
_MOST: Final = NUMBER_MAX * 10**DECIMALS
# Days as eight digits.
_FIRST_DAY: Final = 1_01_01
_LAST_DAY: Final = 9999_12_31


class BadFilter(ValueError):
    """What is asked of a field makes no sense; the text says of which one, and what to do."""


@dataclass(slots=True)
class _Span:
    low: int
    high: int


def searched(fields: Sequence[str], definitions: Definitions) -> tuple[str, ...]:
    """Return groups of terms, of each of which a lead has to have one.

    Args:
        fields: KEY=VALUE, several of one key meaning any of them; of numbers and days KEY>=VALUE too, with >, <, <=.

    Raises:
        BadFilter
    """
    known = {one.key: one for one in definitions}
    values: dict[str, list[str]] = {}
    spans: dict[str, _Span] = {}
    for field in fields:
        if PART in field:
            raise BadFilter("must hold no control characters")
        found = _span_asked(field, known)
        if found is None:
            _add_value(field, values, definitions)
        else:
            one, operator, text = found
            _narrow(spans, one, operator, text)
    groups = [_group(WHOLE, some) for some in values.values()]
    for key, span in spans.items():
        groups.append(_group(BEGINS, _beginnings(known[key], span)))
    return tuple(groups)


def cover(low: str, high: str) -> list[str]:
    """Return beginnings of digits that all texts from `low` to `high` have, and no others of that length."""
    if low > high:
        return []
    if not low.strip("0") and not high.strip("9"):
        return [""]
    if low[0] == high[0]:
        return [low[0] + rest for rest in cover(low[1:], high[1:])]
    more = len(low) - 1
    first = [low[0] + rest for rest in cover(low[1:], "9" * more)]
    between = [str(digit) for digit in range(int(low[0]) + 1, int(high[0]))]
    return [*first, *between, *(high[0] + rest for rest in cover("0" * more, high[1:]))]


def digits_of(number: int) -> str:
    """Return a number, in units of its last decimal, as digits that sort as numbers do."""
    return str(_ZERO + number).zfill(DIGITS)


def _span_asked(field: str, known: Mapping[str, Definition]) -> tuple[Definition, str, str] | None:
    """Return what of a defined field a span is asked of; None where a value is asked for."""
    for key in sorted(known, key=len, reverse=True):
        rest = field.removeprefix(key)
        operator = next((one for one in OPERATORS if rest.startswith(one)), None)
        if rest != field and operator is not None:
            return known[key], operator, rest.removeprefix(operator)
    named = _KEY.match(field)
    if named is not None and field[named.end()] == "=":
        return None
    name = named[0] if named is not None else field
    raise BadFilter(f"{name[:100]!r} is no field that is defined: only those have spans (GET /api/custom-fields)")


def _add_value(field: str, values: dict[str, list[str]], definitions: Definitions) -> None:
    key = field.partition("=")[0]
    try:
        values.setdefault(key, []).append(definitions.asked(field))
    except ValueError as fault:
        raise BadFilter(f"{key!r} {fault}") from None


def _narrow(spans: dict[str, _Span], one: Definition, operator: str, text: str) -> None:
    if one.type not in (FieldType.NUMBER, FieldType.DATE):
        raise BadFilter(f"{one.key!r} is a {one.type.value}: only numbers and days have spans; ask for {one.key}=VALUE")
    try:
        value = read_text(one, text)
    except ValueError as fault:
        raise BadFilter(f"{one.key!r} {fault}") from None
    if value is None:
        raise BadFilter(f"{one.key!r} {operator} what? Give a value")
    place = _place(value, up=operator in (">=", "<"))
    whole = _Span(_FIRST_DAY, _LAST_DAY) if one.type is FieldType.DATE else _Span(-_MOST, _MOST)
    span = spans.setdefault(one.key, whole)
    match operator:
        case ">=":
            span.low = max(span.low, place)
        case ">":
            span.low = max(span.low, place + 1)
        case "<=":
            span.high = min(span.high, place)
        case _:
            span.high = min(span.high, place - 1)


def _place(value: str | float, *, up: bool) -> int:
    if isinstance(value, str):
        return int(value.replace("-", ""))
    scaled = Decimal(str(value)).scaleb(DECIMALS)
    return int(scaled.to_integral_value(ROUND_CEILING if up else ROUND_FLOOR))


def _beginnings(one: Definition, span: _Span) -> list[str]:
    if one.type is FieldType.DATE:
        days = cover(str(span.low).zfill(8), str(span.high).zfill(8))
        return [f"{one.key}={_as_day(digits)}" for digits in days]
    return [f"{one.key}~{digits}" for digits in cover(digits_of(span.low), digits_of(span.high))]


def _as_day(digits: str) -> str:
    parts = (digits[:4], digits[4:6], digits[6:])
    return "-".join(part for part in parts if part)


def _group(mark: str, terms: Sequence[str]) -> str:
    # A span of nothing is found nowhere.
    return "".join(f"{PART}{mark}{term}" for term in terms) or f"{PART}{WHOLE}{_NOTHING}"
