"""Access tokens: what a signed-in person carries (W9). Sans-I/O.

A token names one organisation and the session that it hangs on. Whether session and membership still stand is asked
with each request.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import jwt

LIFETIME_S: Final = 600
_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "salesos.crm"
_REQUIRED: Final = ["sub", "email", "role", "company_id", "sid", "iat", "exp"]


@dataclass(frozen=True, slots=True)
class Identity:
    user_id: UUID
    email: str
    role: str
    org_id: UUID
    session_id: UUID | None = None  # None: whoever it is holds no session


class BadToken(ValueError):
    """Altered, expired, incomplete or not a token of ours."""


def issue(identity: Identity, key: str, now_s: int) -> str:
    """Return a token for that person in that organisation, of their session."""
    assert identity.session_id is not None, "an access token hangs on a session"
    claims = {
        "sub": str(identity.user_id),
        "email": identity.email,
        "role": identity.role,
        "company_id": str(identity.org_id),
        "sid": str(identity.session_id),
        "iat": now_s,
        "exp": now_s + LIFETIME_S,
        "aud": _AUDIENCE,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def read(token: str, key: str, now_s: float) -> Identity:
    """Return who the token names.

    Raises:
        BadToken
    """
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[_ALGORITHM],
            audience=_AUDIENCE,
            # PyJWT reads the wall clock itself; ours is an argument.
            options={"require": _REQUIRED, "verify_exp": False, "verify_iat": False},
        )
        identity = Identity(
            UUID(claims["sub"]),
            str(claims["email"]),
            str(claims["role"]),
            UUID(claims["company_id"]),
            UUID(claims["sid"]),
        )
        expires_at = float(claims["exp"])
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise BadToken from None
    if now_s >= expires_at:
        raise BadToken
    return identity
