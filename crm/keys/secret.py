"""What an API key looks like (W10). Sans-I/O but for the system's random numbers.

`sk_live_`, a prefix, an underscore, a secret. The prefix names the organisation and, within it, the key: so a key is
looked for as one of its organisation's own rows, and nothing is ever searched across tenants. It is no secret and is
shown in lists. The secret has 190 bits; of the whole only a hash is stored, and a plain SHA-256 will do: there is no
list of likely secrets to try.
"""

import hashlib
import re
import secrets
import string
from dataclasses import dataclass
from typing import Final
from uuid import UUID

MARK: Final = "sk_live_"
NAME_CHARS: Final = 8
SECRET_CHARS: Final = 32
_ORG_CHARS: Final = 22  # 128 bits in base 62
_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM: Final = re.compile(
    f"{MARK}([{_DIGITS}]{{{_ORG_CHARS}}})([{_DIGITS}]{{{NAME_CHARS}}})_[{_DIGITS}]{{{SECRET_CHARS}}}"
)


class BadKey(ValueError):
    """Not the form of a key of ours."""


@dataclass(frozen=True, slots=True)
class NewKey:
    text: str  # shown to the person who made it, once
    prefix: str
    hash: str


@dataclass(frozen=True, slots=True)
class NamedKey:
    """What a text says about itself; nothing of it is proven."""

    org_id: UUID
    prefix: str
    hash: str


def make_key(org_id: UUID) -> NewKey:
    prefix = MARK + _spell(org_id.int) + _random(NAME_CHARS)
    text = f"{prefix}_{_random(SECRET_CHARS)}"
    return NewKey(text, prefix, _hash(text))


def read_key(text: str) -> NamedKey:
    """Raises BadKey."""
    found = _FORM.fullmatch(text)
    if found is None:
        raise BadKey
    number = 0
    for char in found[1]:
        number = number * len(_DIGITS) + _DIGITS.index(char)
    try:
        org_id = UUID(int=number)
    except ValueError:
        raise BadKey from None
    return NamedKey(org_id, MARK + found[1] + found[2], _hash(text))


def _spell(number: int) -> str:
    chars = []
    for _ in range(_ORG_CHARS):
        number, digit = divmod(number, len(_DIGITS))
        chars.append(_DIGITS[digit])
    return "".join(reversed(chars))


def _random(chars: int) -> str:
    return "".join(secrets.choice(_DIGITS) for _ in range(chars))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
