"""Refresh tokens: what keeps a session alive, each used once. Sans-I/O.

A token carries its number in the session's chain and a secret; the database has a hash of the newest secret only. The
next secret follows from the one before and our key, so that two tabs that show the same token at once are given the
same next one, while a thief who has an old token cannot tell what came after it. A token that was already exchanged,
and not just now, says that two hold the session: it ends for both.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Final
from uuid import UUID

import jwt

# The session ends when it is not used for so long, and after so long in any case: a person signs in again.
IDLE: Final = timedelta(days=7)
LIFETIME: Final = timedelta(days=30)
# Two tabs of a browser wake at the same moment; an answer may be lost and asked for again.
GRACE: Final = timedelta(seconds=10)
SECRET_BYTES: Final = 32
_ALGORITHM: Final = "HS256"
_AUDIENCE: Final = "salesos.refresh"
_REQUIRED: Final = ["sub", "sid", "gen", "key", "aud"]


class BadRefreshToken(ValueError):
    """Altered, incomplete or not a token of ours."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    user_id: UUID
    session_id: UUID
    generation: int  # the first is 1
    secret: str

    def after(self, key: str) -> "RefreshToken":
        """Return the one that follows it."""
        made = hmac.digest(key.encode(), f"refresh:{self.session_id}:{self.secret}".encode(), "sha256")
        return RefreshToken(self.user_id, self.session_id, self.generation + 1, made.hex())

    @property
    def hash(self) -> str:
        return hashlib.sha256(self.secret.encode()).hexdigest()


class Verdict(Enum):
    NEXT = auto()  # the newest: exchanged for the next
    AGAIN = auto()  # exchanged a moment ago: the same next one is given again
    REUSED = auto()  # exchanged before: somebody has a copy


@dataclass(frozen=True, slots=True)
class Chain:
    """What the database knows of a session's tokens."""

    generation: int
    hash: str
    rotated_at: datetime


def first(user_id: UUID, session_id: UUID) -> RefreshToken:
    return RefreshToken(user_id, session_id, 1, secrets.token_hex(SECRET_BYTES))


def judge(token: RefreshToken, chain: Chain, key: str, now: datetime) -> Verdict:
    """Return what becomes of a token that is ours. One that no chain of ours leads to counts as a copy."""
    if token.generation == chain.generation and hmac.compare_digest(token.hash, chain.hash):
        return Verdict.NEXT
    just_now = token.generation == chain.generation - 1 and now - chain.rotated_at <= GRACE
    if just_now and hmac.compare_digest(token.after(key).hash, chain.hash):
        return Verdict.AGAIN
    return Verdict.REUSED


def write(token: RefreshToken, key: str) -> str:
    """Return its text, for a cookie."""
    claims = {
        "sub": str(token.user_id),
        "sid": str(token.session_id),
        "gen": token.generation,
        "key": token.secret,
        "aud": _AUDIENCE,
    }
    return jwt.encode(claims, key, algorithm=_ALGORITHM)


def read(text: str, key: str) -> RefreshToken:
    """Return what is in it; how long it is good for is the session's matter.

    Raises:
        BadRefreshToken
    """
    try:
        claims = jwt.decode(text, key, algorithms=[_ALGORITHM], audience=_AUDIENCE, options={"require": _REQUIRED})
        return RefreshToken(UUID(claims["sub"]), UUID(claims["sid"]), int(claims["gen"]), str(claims["key"]))
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        raise BadRefreshToken from None
