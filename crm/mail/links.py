"""Links in letters that say by themselves what they are for. Sans-I/O.

A link's token is signed when its letter is posted and kept nowhere: what may be done with it, and that it is done once,
is told by the row that its claims name.
"""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import jwt

from crm.refusals import Refusal

TOKEN_CHARS_MAX: Final = 2_000
_ALGORITHM: Final = "HS256"


class BadLink(Refusal):
    """Altered, cut off or made for something else."""

    def __init__(self) -> None:
        super().__init__("link_invalid")


class ExpiredLink(Refusal):
    """It was one of ours."""

    def __init__(self, claims: Mapping[str, Any]) -> None:
        super().__init__("link_expired")
        self.claims = claims


class UsedLink(Refusal):
    """What it was for was done, withdrawn or overtaken."""

    def __init__(self) -> None:
        super().__init__("link_used")


def sign(purpose: str, claims: Mapping[str, str], expires_at_s: int, key: str) -> str:
    """Return the token."""
    whole = {**claims, "exp": expires_at_s, "aud": f"salesos.link.{purpose}"}
    return jwt.encode(whole, key, algorithm=_ALGORITHM)


def address_of(site: str, path: str, token: str) -> str:
    return f"{site}{path}?{urlencode({'token': token})}"


def read(purpose: str, token: str, needs: tuple[str, ...], now_s: float, key: str) -> Mapping[str, str]:
    """Return the claims, of which `needs` are there as text.

    Raises:
        BadLink, ExpiredLink
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=f"salesos.link.{purpose}",
            # PyJWT reads the wall clock itself; ours is an argument.
            options={"require": ["exp", "aud", *needs], "verify_exp": False},
        )
        expires_at_s = float(claims["exp"])
    except (jwt.PyJWTError, ValueError, TypeError):
        raise BadLink from None
    if not all(isinstance(claims[name], str) for name in needs):
        raise BadLink
    if now_s >= expires_at_s:
        raise ExpiredLink(claims)
    return {name: claims[name] for name in needs}
