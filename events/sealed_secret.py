"""Secrets that travel in a call plan: sealed for one organisation and one purpose. Sans-I/O.

AES-256-GCM under a key derived (HKDF-SHA-256) from the secret that all processes share. Organisation and name are
authenticated with it, so that a secret cannot be passed off as another tenant's or another provider's.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12


class BadSecret(ValueError):
    """Altered, another organisation's, for another purpose, or sealed under another key: GCM cannot tell which."""


def seal(plain: str, secret_key: str, org_id: UUID, name: str) -> str:
    """Return `plain` sealed; no two sealings of the same are alike."""
    nonce = os.urandom(_NONCE_BYTES)
    return urlsafe_b64encode(nonce + _cipher(secret_key).encrypt(nonce, plain.encode(), _bound(org_id, name))).decode()


def unseal(sealed: str, secret_key: str, org_id: UUID, name: str) -> str:
    """Raises BadSecret."""
    try:
        raw = urlsafe_b64decode(sealed.encode())
        plain = _cipher(secret_key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _bound(org_id, name))
        return plain.decode()
    except (InvalidTag, ValueError):
        raise BadSecret(f"the secret {name!r} does not open with this key") from None


def _bound(org_id: UUID, name: str) -> bytes:
    return org_id.bytes + name.encode()


def _cipher(secret_key: str) -> AESGCM:
    derived = HKDF(algorithm=SHA256(), length=32, salt=b"", info=b"salesos plan secret").derive(secret_key.encode())
    return AESGCM(derived)
