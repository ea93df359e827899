"""Telephone numbers of leads: the one form in which they are kept, and the time zone that they tell. Sans-I/O.

Whether a number may be called is not decided here; see crm.compliance.gate.
"""

from functools import lru_cache
from typing import Final

import phonenumbers
from phonenumbers import PhoneNumberFormat, timezone

# A longer text is no number, with all the blanks and brackets that people put in.
TYPED_CHARS_MAX: Final = 40
# Finding a zone takes about 77 µs, and lists and calls ask for the same numbers again.
ZONES_KEPT: Final = 4_096


def e164_of(typed: str) -> str:
    """Return an international number, as people write it, in E.164.

    Raises:
        ValueError: not a number that can be, with a sentence for whoever typed it.
    """
    text = typed.strip()
    if len(text) > TYPED_CHARS_MAX or not text.startswith("+"):
        raise ValueError("must be a number with its country code, such as +12025550142")
    try:
        parsed = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise ValueError("must be a number with its country code, such as +12025550142") from None
    if parsed.extension:
        raise ValueError("must be without an extension: put it in the notes")
    if not phonenumbers.is_possible_number(parsed):
        raise ValueError("is too short or too long for a number of its country")
    return phonenumbers.format_number(parsed, PhoneNumberFormat.E164)


def zone_of_number(number: str) -> str:
    """Return the time zone where an E.164 number is at home; empty where it tells none, or more than one."""
    zones = zones_of_number(number)
    return zones[0] if len(zones) == 1 else ""


@lru_cache(ZONES_KEPT)
def zones_of_number(number: str) -> tuple[str, ...]:
    """Return all the time zones where an E.164 number may be; none where it does not tell."""
    try:
        zones = timezone.time_zones_for_number(phonenumbers.parse(number, None))
    except phonenumbers.NumberParseException:
        return ()
    return () if timezone.UNKNOWN_TIMEZONE in zones else tuple(zones)
