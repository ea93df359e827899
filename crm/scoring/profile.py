"""What a lead's job title and the size of its company are worth. Sans-I/O.

Both are read from custom fields, which may hold anything: what cannot be read is worth nothing, and never a fault.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from crm.scoring.part import Part

# Longer than any title or size; the rest is not looked at.
TEXT_CHARS_MAX: Final = 100
# Names of fields as people and other systems have them, without blanks, marks and accents.
TITLE_NAMES: Final = ("jobtitle", "title", "position", "role", "occupation", "cargo", "funcao")
SIZE_NAMES: Final = (
    *("companysize", "employees", "employeecount", "numberofemployees", "headcount", "size"),
    *("funcionarios", "numerodefuncionarios", "tamanhodaempresa", "porte"),
)

# The first rank that has a word of the title counts. Points are of 100 for the whole profile.
RANKS: Final[tuple[tuple[int, str, frozenset[str]], ...]] = (
    (
        10,
        "helps somebody else",
        frozenset({"assistant", "assistente", "intern", "trainee", "estagiario", "secretary"}),
    ),
    (
        45,
        "leads a part of the company",
        frozenset({"vice", "vp", "evp", "svp", "director", "diretor", "diretora", "head"}),
    ),
    (
        60,
        "decides alone",
        frozenset(
            {
                *("ceo", "cfo", "cio", "cmo", "coo", "cto", "chief", "founder", "cofounder", "fundador", "fundadora"),
                *("owner", "partner", "president", "presidente", "proprietor", "proprietario", "proprietaria"),
                *("dono", "dona", "socio", "socia"),
            }
        ),
    ),
    (
        30,
        "leads people",
        frozenset({"manager", "gerente", "supervisor", "supervisora", "coordinator", "coordenador", "lead"}),
    ),
)
OTHER_TITLE_POINTS: Final = 15
# From so many people on. Points are of 100 for the whole profile.
SIZES: Final = ((1_000, 40), (250, 34), (50, 26), (10, 16), (1, 8))

# "Product owner" and the like own no company.
_OWNS_NO_COMPANY: Final = frozenset({"product", "process", "account"})
_WORD: Final = re.compile(r"[a-z]+")
_NUMBER: Final = re.compile(r"([0-9]{1,12}(?:[., ][0-9]{3})*+)(?:[.,]([0-9]{1,2}))?\s?(k|mil\b)?")


def profile_parts(custom_fields: Any, title_field: str = "", size_field: str = "") -> tuple[Part, Part]:
    """Return what title and size are worth, 60 and 40 points at most.

    Args:
        title_field: the custom field that holds the title; empty: whichever is called as titles usually are.
        size_field: likewise for the size.
    """
    fields = custom_fields if isinstance(custom_fields, Mapping) else {}
    return (
        _title_part(_found(fields, title_field, TITLE_NAMES)),
        _size_part(_found(fields, size_field, SIZE_NAMES)),
    )


def people_of(value: Any) -> int | None:
    """Return how many people a company has, the fewest of a span such as "51-200"; None: it is not said."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return int(value) if math.isfinite(value) and value >= 1 else None
    found = _NUMBER.search(_plain(value))
    if found is None:
        return None
    whole = re.sub(r"[., ]", "", found[1])
    people = int(whole)
    if found[3]:
        people = people * 1_000 + int((found[2] or "0").ljust(3, "0"))
    return people if people >= 1 else None


def count_of(custom_fields: Any, names: tuple[str, ...]) -> int:
    """Return a count that a custom field of one of these names holds; 0 where none does."""
    fields = custom_fields if isinstance(custom_fields, Mapping) else {}
    return people_of(_found(fields, "", names)) or 0


def _title_part(title: Any) -> Part:
    words = frozenset(_WORD.findall(_plain(title)))
    if not words:
        return Part("title", 0, "no job title is known")
    if "owner" in words and words & _OWNS_NO_COMPANY:
        words -= {"owner"}
    for points, reason, named in RANKS:
        if words & named:
            return Part("title", points, reason)
    return Part("title", OTHER_TITLE_POINTS, "a title of no rank that is known")


def _size_part(size: Any) -> Part:
    people = people_of(size)
    if people is None:
        return Part("company_size", 0, "no company size is known")
    for least, points in SIZES:
        if people >= least:
            return Part("company_size", points, f"{least:,} people or more")
    raise AssertionError("the last size is one person")


def _found(fields: Mapping[Any, Any], field: str, names: tuple[str, ...]) -> Any:
    if field:
        return fields.get(field)
    by_name = {_bare(name): value for name, value in fields.items()}
    return next((by_name[name] for name in names if by_name.get(name) not in (None, "")), None)


def _bare(name: Any) -> str:
    return "".join(letter for letter in _plain(name) if letter.isalnum())


def _plain(value: Any) -> str:
    """Return a text trimmed, in lower case and without accents; empty for what is none."""
    if not isinstance(value, str):
        return ""
    decomposed = unicodedata.normalize("NFKD", value[:TEXT_CHARS_MAX].strip().casefold())
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))
