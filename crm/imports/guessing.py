"""Which column of a file is what, by its name (English and Portuguese) and by what is in it. Sans-I/O."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from crm.custom_fields.kinds import Definition
from crm.imports.numbers import Numbers
from crm.imports.plan import CUSTOM, CUSTOM_NAME_CHARS_MAX
from crm.imports.rows import EMAIL

# Names as `_plain` writes them.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "name": ("name", "full name", "lead name", "contact name", "contact", "lead", "nome", "nome completo", "contato"),
    "first_name": ("first name", "given name", "firstname", "primeiro nome"),
    "last_name": ("last name", "surname", "family name", "lastname", "sobrenome", "ultimo nome"),
    "email": ("email", "e mail", "mail", "email address", "e mail address", "endereco de email", "endereco de e mail"),
    "phone": (
        *("phone", "phone number", "telephone", "mobile", "mobile phone", "cell", "cell phone", "whatsapp", "tel"),
        *("telefone", "celular", "fone", "numero", "numero de telefone", "telefone celular", "telefone 1", "phone 1"),
    ),
    "company": ("company", "company name", "organization", "organisation", "account", "business", "empresa"),
    "source": ("source", "lead source", "origin", "origem", "fonte", "canal", "campaign", "campanha"),
    "pipeline": ("pipeline", "funnel", "funil"),
    "status": ("status", "stage", "lead status", "etapa", "fase", "situacao", "estagio"),
    "score": ("score", "lead score", "rating", "pontuacao", "nota"),
    "notes": ("notes", "note", "comments", "comment", "observations", "notas", "observacoes", "observacao", "obs"),
    "next_step": ("next step", "proximo passo"),
    "time_zone": ("time zone", "timezone", "fuso horario", "fuso"),
    "do_not_call": ("do not call", "dnc", "do not contact", "nao ligar", "nao contatar", "opt out", "optout"),
    "owner": ("owner", "owner email", "assigned to", "sales rep", "responsavel", "proprietario", "vendedor", "dono"),
}
_BY_NAME: Final = {name: field for field, names in NAMES.items() for name in names}
# What our own exports have besides.
_OURS: Final = frozenset({"id", "created at", "updated at", "row", "reason"})
# Of the cells that hold something; fewer may be slips.
_SHARE: Final = 0.8
_CELLS_MIN: Final = 1
_PHONE: Final = re.compile(r"\+?[\d\s().-]{8,25}")


@dataclass(frozen=True, slots=True)
class Guess:
    """`to` is empty where nothing was found; `because` is "name", "content" or empty."""

    to: str
    because: str


def guess(
    names: Sequence[str],
    rows: Sequence[Sequence[str]],
    region: str = "",
    *,
    has_header: bool,
    fields: Iterable[Definition] = (),
) -> list[Guess]:
    """Return a guess for each column; no field is guessed twice, and what is left over becomes a custom field.

    Args:
        fields: those that the organisation has defined, which are known by key and by label.
    """
    found: list[Guess | None] = [None] * len(names)
    taken: set[str] = set()
    if has_header:
        for place, name in enumerate(names):
            field = _BY_NAME.get(_plain(name))
            if field is not None and field not in taken:
                found[place] = Guess(field, "name")
                taken.add(field)
    if "name" in taken:
        # A file with both tells the whole name once.
        found = [None if told is not None and told.to in ("first_name", "last_name") else told for told in found]
    tests: dict[str, Callable[[str], bool]] = {"email": _is_email, "phone": _phone_test(region), "name": _is_name}
    for field, test in tests.items():
        if field in taken or (field == "name" and taken & {"first_name", "last_name"}):
            continue
        for place in range(len(names)):
            cells = [row[place].strip() for row in rows if place < len(row) and row[place].strip()]
            if found[place] is None and len(cells) >= _CELLS_MIN and sum(map(test, cells)) >= _SHARE * len(cells):
                # By content alone a name is told only where nothing else names the column.
                if field == "name" and has_header:
                    continue
                found[place] = Guess(field, "content")
                taken.add(field)
                break
    defined = {_plain(word): field.key for field in fields for word in (field.label, field.key)}
    return [told or _custom(name, defined, has_header=has_header) for told, name in zip(found, names, strict=True)]


def _custom(name: str, defined: Mapping[str, str], *, has_header: bool) -> Guess:
    if not has_header:
        return Guess("", "")
    if _plain(name) in defined:
        return Guess(CUSTOM + defined[_plain(name)], "name")
    if _plain(name) in _OURS:
        return Guess("", "name")
    return Guess(CUSTOM + name[:CUSTOM_NAME_CHARS_MAX], "name")


def _plain(name: str) -> str:
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", name) if not unicodedata.combining(letter))
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare)
    return " ".join(re.sub(r"[^a-z0-9]+", " ", spaced.lower()).split())


def _is_email(cell: str) -> bool:
    return EMAIL.fullmatch(cell.lower()) is not None


def _phone_test(region: str) -> Callable[[str], bool]:
    numbers = Numbers(region)

    def is_phone(cell: str) -> bool:
        if not _PHONE.fullmatch(cell):
            return False
        if not region and not cell.startswith("+"):
            # Whether it can be called is told later, when the region is chosen; dates and amounts are shorter.
            return sum(letter.isdigit() for letter in cell) >= 10
        try:
            numbers.e164(cell)
        except ValueError:
            return False
        return True

    return is_phone


def _is_name(cell: str) -> bool:
    words = cell.split()
    return 2 <= len(words) <= 6 and all(word[0].isalpha() for word in words) and "@" not in cell
