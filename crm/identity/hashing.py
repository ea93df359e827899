"""Password hashes. Blocking: each takes tens of milliseconds of CPU, so it leaves the loop."""

import hashlib
from functools import cache

from pwdlib import PasswordHash


def hash_password(password: str) -> str:
    """Return the hash that is stored."""
    return _hasher().hash(password)


def fits(password: str, password_hash: str | None) -> bool:
    """Whether it is the hash's password; with None it is not, and takes as long to say so."""
    right = _hasher().verify(password, password_hash or _nobodys_hash())
    return right and password_hash is not None


def mark_of(password_hash: str) -> str:
    """Return what tells whether the password is still the one of a while ago, and nothing else about it."""
    return hashlib.sha256(f"mark:{password_hash}".encode()).hexdigest()[:32]


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobodys_hash() -> str:
    return hash_password("nobody")
