"""Who rings us, by what the carrier says of their number. Sans-I/O.

A number that was withheld comes as nothing, as a word, or as the word's digits on a keypad ("ANONYMOUS" is
+266696687): none of them is a number at which anybody could be rung back.
"""

from typing import Final

import phonenumbers

from crm.compliance.gate import e164

WITHHELD_NAME: Final = "Withheld number"
# ANONYMOUS, RESTRICTED, BLOCKED, UNKNOWN, UNAVAILABLE, PRIVATE, as carriers spell them on the keypad.
_SPELLED: Final = frozenset({"+266696687", "+7378742833", "+2562533", "+8656696", "+86282452253", "+7748283"})


def caller_number(said: str) -> str:
    """Return the caller's number in its E.164 form; empty where it was withheld, or is none."""
    number = e164(said.strip())
    if number is None or said.strip() in _SPELLED or not phonenumbers.is_possible_number(phonenumbers.parse(number)):
        return ""
    return number
