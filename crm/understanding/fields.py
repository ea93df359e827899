"""What is to be found out of a call: an agent's fields, as a JSON schema for a model and as a check of its answer.

Sans-I/O. A value that does not fit its field is left out rather than believed; notes without a summary are none.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Final

FIELDS_MAX: Final = 20
CHOICES_MAX: Final = 20
TEXT_CHARS_MAX: Final = 500
LIST_ITEMS_MAX: Final = 20
SUMMARY_CHARS_MAX: Final = 1_000
NAME: Final = re.compile(r"^[a-z][a-z0-9_]{0,39}$")
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")


class FieldType(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"  # of the calendar: 2026-11-23
    EMAIL = "email"
    LIST = "list"  # of short texts
    CHOICE = "choice"


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: FieldType = FieldType.TEXT
    description: str = ""
    choices: tuple[str, ...] = ()


DEFAULT: Final = (
    Field("name", FieldType.TEXT, "the prospect's own name, as they gave it"),
    Field("email", FieldType.EMAIL, "their e-mail address"),
    Field("company", FieldType.TEXT, "the company they work for"),
    Field("budget", FieldType.TEXT, "what they can spend, or spend now, in their words"),
    Field("decision_date", FieldType.TEXT, "when they will decide, in their words"),
    Field("interests", FieldType.LIST, "what they would like, or asked about"),
    Field("next_step", FieldType.TEXT, "what was agreed to happen next"),
)


class BadFields(ValueError):
    """An agent's fields cannot be used; the message names the field and the remedy."""


class BadNotes(ValueError):
    """A model's notes cannot be used. The message holds nothing that was said."""


@dataclass(frozen=True, slots=True)
class Notes:
    summary: str
    values: Mapping[str, Any] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()  # names of fields whose values did not fit


def read_fields(saved: Sequence[Mapping[str, Any]] | None) -> tuple[Field, ...]:
    """Return an agent's fields from how they are saved; None: the default ones.

    Raises:
        BadFields
    """
    if saved is None:
        return DEFAULT
    if len(saved) > FIELDS_MAX:
        raise BadFields(f"at most {FIELDS_MAX} fields")
    made = tuple(_field(item) for item in saved)
    names = [one.name for one in made]
    for name in names:
        if names.count(name) > 1:
            raise BadFields(f"{name} is there twice: give each field a name of its own")
    return made


def _field(item: Mapping[str, Any]) -> Field:
    name, type_ = str(item.get("name", "")), str(item.get("type", FieldType.TEXT))
    choices = tuple(str(choice) for choice in item.get("choices") or ())
    if not NAME.fullmatch(name):
        raise BadFields(f"{name[:40]!r} must be small letters, digits and underscores, a letter first, 40 at most")
    if type_ not in set(FieldType):
        raise BadFields(f"{name}: type must be one of {', '.join(FieldType)}")
    if (type_ == FieldType.CHOICE) != bool(choices):
        raise BadFields(f"{name}: choices are needed with the type choice, and with no other")
    if len(choices) > CHOICES_MAX or any(not choice or len(choice) > TEXT_CHARS_MAX for choice in choices):
        raise BadFields(f"{name}: at most {CHOICES_MAX} choices of 1 to {TEXT_CHARS_MAX} characters")
    return Field(name, FieldType(type_), str(item.get("description", ""))[:TEXT_CHARS_MAX], choices)


def json_schema(fields: Sequence[Field]) -> dict[str, Any]:
    """Return the schema of the notes, in the part of JSON Schema that all vendors take."""
    summary = {"type": "string", "description": "two or three sentences on what was said and what comes of it"}
    properties = {one.name: _property(one) for one in fields}
    found = {
        "type": "object",
        "description": "only what was said: leave out a field of which nothing was",
        "properties": properties,
    }
    return {"type": "object", "properties": {"summary": summary, "fields": found}, "required": ["summary", "fields"]}


def _property(one: Field) -> dict[str, Any]:
    made: dict[str, Any] = {"description": one.description or one.name.replace("_", " ")}
    match one.type:
        case FieldType.NUMBER | FieldType.BOOLEAN:
            made["type"] = one.type.value
        case FieldType.LIST:
            made |= {"type": "array", "items": {"type": "string"}}
        case FieldType.CHOICE:
            made |= {"type": "string", "enum": list(one.choices)}
        case FieldType.DATE:
            made |= {"type": "string", "description": f"{made['description']} (YYYY-MM-DD)"}
        case _:
            made["type"] = "string"
    return made


def read_notes(arguments: Mapping[str, Any], fields: Sequence[Field]) -> Notes:
    """Return the notes that a model's tool call holds.

    Raises:
        BadNotes: no summary, or fields that are no object.
    """
    summary, found = arguments.get("summary"), arguments.get("fields", {})
    if not isinstance(summary, str) or not summary.strip():
        raise BadNotes("summary is missing")
    if not isinstance(found, Mapping):
        raise BadNotes("fields is no object")
    values: dict[str, Any] = {}
    left_out: list[str] = []
    for one in fields:
        value = found.get(one.name)
        if value is None or value in ("", []):
            continue
        fitting = value_of(one, value)
        if fitting is None:
            left_out.append(one.name)
        else:
            values[one.name] = fitting
    return Notes(_bare(summary)[:SUMMARY_CHARS_MAX], values, tuple(left_out))


def value_of(one: Field, value: Any) -> Any:
    """Return a value as its field keeps it; None when it does not fit."""
    match one.type:
        case FieldType.NUMBER:
            finite = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15
            return value if finite else None
        case FieldType.BOOLEAN:
            return value if isinstance(value, bool) else None
        case FieldType.LIST:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                return None
            return [_bare(item)[:TEXT_CHARS_MAX] for item in value[:LIST_ITEMS_MAX] if _bare(item)] or None
        case _ if not isinstance(value, str):
            return None
        case FieldType.CHOICE:
            return value if value in one.choices else None
        case FieldType.DATE:
            return _date(value)
        case FieldType.EMAIL:
            bare = _bare(value).lower()
            return bare if len(bare) <= 254 and _EMAIL.fullmatch(bare) else None
        case _:
            return _bare(value)[:TEXT_CHARS_MAX] or None


def _date(value: str) -> str | None:
    try:
        return date.fromisoformat(value.strip()).isoformat()
    except ValueError:
        return None


def _bare(text: str) -> str:
    """Return it without what the database cannot keep, one blank between words."""
    return " ".join(text.replace("\x00", " ").split())
