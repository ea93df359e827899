"""Cells that a spreadsheet would take for a formula: written so that it does not, and read back as they were. Sans-I/O.

Source: OWASP, "CSV Injection": a cell that begins with =, +, -, @, a tab or a carriage return.
"""

import re
from typing import Final

MARK: Final = "'"
_BEGINS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\x00")
# As a spreadsheet reads them, these are values and no formulas; numbers of telephones are the most of all.
_PLAIN: Final = re.compile(r"[+-]?[0-9]{1,20}([.,][0-9]{1,20})?")
# A full-width form of one of the signs is taken for it by some programs.
_WIDE: Final = ("\uff1d", "\uff0b", "\uff0d", "\uff20")


def written(text: str) -> str:
    """Return the cell for a file; a quote goes before what could be run."""
    if not text.startswith(_BEGINS) and not text.startswith(_WIDE):
        # A space in front does not stop every program.
        if not text[:1].isspace() or not text.lstrip().startswith((*_BEGINS, *_WIDE)):
            return text
    elif _PLAIN.fullmatch(text):
        return text
    return MARK + text


def read(text: str) -> str:
    """Return what `written` was given."""
    if text.startswith(MARK) and text[1:].lstrip().startswith((*_BEGINS, *_WIDE)):
        return text[1:]
    return text
