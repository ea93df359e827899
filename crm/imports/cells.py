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
    return MARK + text if _may_run(text) else text


def read(text: str) -> str:
    """Return what `written` was given."""
    return text[1:] if text.startswith(MARK) and _may_run(text[1:]) else text


def _may_run(text: str) -> bool:
    if text.startswith((*_BEGINS, *_WIDE)):
        return not _PLAIN.fullmatch(text)
    # A space in front does not stop every program.
    return text[:1].isspace() and text.lstrip().startswith((*_BEGINS, *_WIDE))
