"""Structs as signed tokens between our own processes, each for one audience. Sans-I/O.

The signature is all that a reader trusts; times and meanings are the struct's owner's to check.
"""

from typing import Final, TypeVar

import jwt
import msgspec

_ALGORITHM: Final = "HS256"
Claims = TypeVar("Claims", bound=msgspec.Struct)


class BadSigned(ValueError):
    """Altered, incomplete, or for another audience; the message says which, never its content."""


def seal(claims: msgspec.Struct, audience: str, expires_at: int, key: str) -> str:
    """Return the struct as a signed token. `expires_at`: Unix seconds."""
    return jwt.encode(msgspec.to_builtins(claims) | {"exp": expires_at, "aud": audience}, key, algorithm=_ALGORITHM)


def unseal(token: str, kind: type[Claims], audience: str, key: str) -> Claims:
    """Return the struct in `token`, expired or not.

    Raises:
        BadSigned: the signature, the audience or a field is wrong.
    """
    try:
        # PyJWT reads the wall clock itself; whoever asks compares with one that the simulation can set.
        claims = jwt.decode(
            token, key, algorithms=[_ALGORITHM], audience=audience, options={"verify_exp": False, "require": ["exp"]}
        )
        return msgspec.convert(claims, kind)
    except jwt.PyJWTError as error:
        raise BadSigned(type(error).__name__) from None
    except msgspec.ValidationError:
        raise BadSigned("a field is missing or malformed") from None
