"""What of a call's notes goes on the lead: only where nothing is known. Sans-I/O.

What somebody entered, and what the conversation established (a meeting, a call-back), is never overwritten by what a
model believes to have read: what differs is kept beside it as a suggestion.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

# Fields of the notes that are members of the lead.
LEAD_FIELDS: Final = ("name", "email", "company", "next_step")


@dataclass(frozen=True, slots=True)
class Known:
    """Of a lead; empty where nothing is known."""

    name: str = ""
    email: str = ""
    company: str = ""
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    changes: Mapping[str, str] = field(default_factory=dict)  # of the lead
    values: Mapping[str, Any] = field(default_factory=dict)  # of the notes, what is known going before
    suggested: Mapping[str, Any] = field(default_factory=dict)


def known_of(name: str, phone: str | None, email: str | None, company: str, next_step: str) -> Known:
    """Return what is known of a lead. One made by dialling a number has that for its name, which says nothing."""
    return Known("" if name == phone else name.strip(), (email or "").strip(), company.strip(), next_step.strip())


def merge(known: Known, found: Mapping[str, Any]) -> Merged:
    """Return what a lead takes of the notes' fields, and what stays beside it."""
    changes: dict[str, str] = {}
    suggested: dict[str, Any] = {}
    values = dict(found)
    for name in LEAD_FIELDS:
        held = str(getattr(known, name))
        value = found.get(name)
        if held:
            if isinstance(value, str) and not _same(held, value):
                suggested[name] = value
            if name in found:
                values[name] = held
        elif isinstance(value, str):
            changes[name] = value
    return Merged(changes, values, suggested)


def _same(one: str, other: str) -> bool:
    return " ".join(one.casefold().split()) == " ".join(other.casefold().split())
