"""Recordings encrypted at rest: how an object is sealed, and how any range of it is opened. No I/O.

An object is a head (magic, salt) and chunks of 64 KiB, each AES-256-GCM with its tag behind it. Every object has a
key of its own, derived (HKDF-SHA-256) from its organisation's data key, the salt and the call, so nonces can simply
count and an object cannot be passed off as another call's. A chunk's nonce holds its number and whether it is the
last, so that chunks cannot be swapped, left out or cut off (the STREAM construction).

An organisation's data key exists outside memory only wrapped: encrypted under the operator's master key.
"""

import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as BadBase64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

SUFFIX: Final = ".sealed"  # of a sealed object's key
CHUNK_BYTES: Final = 64 * 1024
_MAGIC: Final = b"SOSAUD01"
_SALT_BYTES: Final = 16
HEAD_BYTES: Final = len(_MAGIC) + _SALT_BYTES
_TAG_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_KEY_BYTES: Final = 32
_STEP: Final = CHUNK_BYTES + _TAG_BYTES


class BadSeal(ValueError):
    """Altered, cut off, another call's, or sealed with another key: GCM cannot tell which."""


class BadKey(ValueError):
    """An organisation's key cannot be unwrapped: altered, or wrapped with another master key."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """The operator's secret, under which organisations' keys are wrapped."""

    secret: str

    def __repr__(self) -> str:
        return "MasterKey()"

    def wrap(self, key: bytes, org_id: UUID) -> str:
        """Return the data key encrypted, for this organisation alone."""
        nonce = os.urandom(_NONCE_BYTES)
        return urlsafe_b64encode(nonce + self._cipher().encrypt(nonce, key, org_id.bytes)).decode()

    def unwrap(self, wrapped: str, org_id: UUID) -> bytes:
        """Raises BadKey."""
        try:
            raw = urlsafe_b64decode(wrapped.encode())
            key = self._cipher().decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], org_id.bytes)
        except (InvalidTag, BadBase64, ValueError):
            raise BadKey("the organisation's recording key does not open with this master key") from None
        if len(key) != _KEY_BYTES:
            raise BadKey("the organisation's recording key is of the wrong length")
        return key

    def _cipher(self) -> AESGCM:
        return AESGCM(_derive(self.secret.encode(), b"", b"salesos recording master key"))


def new_key() -> bytes:
    """Return a fresh data key for an organisation."""
    return os.urandom(_KEY_BYTES)


@dataclass(frozen=True, slots=True)
class CallSeal:
    """Seals and opens the recordings of one call."""

    key: bytes  # the organisation's data key
    org_id: UUID
    call_id: UUID

    def __repr__(self) -> str:
        return "CallSeal()"

    def seal(self, plain: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the sealed object of `plain`, whose pieces may be of any size."""
        salt = os.urandom(_SALT_BYTES)
        cipher = self._cipher(salt)
        yield _MAGIC + salt
        waiting, number = bytearray(), 0
        for piece in plain:
            waiting += piece
            # The last chunk is known as such only at the end, so a full one waits for what follows.
            while len(waiting) > CHUNK_BYTES:
                yield cipher.encrypt(_nonce(number, last=False), bytes(waiting[:CHUNK_BYTES]), None)
                del waiting[:CHUNK_BYTES]
                number += 1
        yield cipher.encrypt(_nonce(number, last=True), bytes(waiting), None)

    def opener(self, head: bytes, sealed_bytes: int) -> "Opener":
        """Return what opens the object that begins with `head` and is `sealed_bytes` long.

        Raises:
            BadSeal: it is no sealed object, or not of such a length.
        """
        if len(head) != HEAD_BYTES or head[: len(_MAGIC)] != _MAGIC:
            raise BadSeal("this is no sealed recording")
        return Opener(self._cipher(head[len(_MAGIC) :]), sealed_bytes, plain_size(sealed_bytes))

    def open_all(self, sealed: bytes) -> bytes:
        """Return the whole content. Raises BadSeal."""
        opener = self.opener(sealed[:HEAD_BYTES], len(sealed))
        chunks = range(opener.chunks)
        return b"".join(opener.open(number, sealed[slice(*opener.place(number))]) for number in chunks)

    def _cipher(self, salt: bytes) -> AESGCM:
        return AESGCM(_derive(self.key, salt, self.org_id.bytes + self.call_id.bytes))


@dataclass(frozen=True, slots=True)
class Opener:
    """Opens chunks of one object, in any order."""

    cipher: AESGCM
    sealed_bytes: int
    plain_bytes: int

    @property
    def chunks(self) -> int:
        return _chunks(self.plain_bytes)

    def place(self, number: int) -> tuple[int, int]:
        """Return where a chunk begins and ends in the object."""
        start = HEAD_BYTES + number * _STEP
        return start, min(start + _STEP, self.sealed_bytes)

    def covering(self, start: int, end: int) -> range:
        """Return the numbers of the chunks that hold bytes `start` to `end` (exclusive) of the content."""
        return range(start // CHUNK_BYTES, -(-end // CHUNK_BYTES)) if end > start else range(0)

    def open(self, number: int, sealed: bytes) -> bytes:
        """Return a chunk's content. Raises BadSeal."""
        try:
            return self.cipher.decrypt(_nonce(number, last=number == self.chunks - 1), sealed, None)
        except InvalidTag:
            raise BadSeal("the recording does not open with this key, or was altered") from None


def sealed_size(plain_bytes: int) -> int:
    return HEAD_BYTES + plain_bytes + _chunks(plain_bytes) * _TAG_BYTES


def plain_size(sealed_bytes: int) -> int:
    """Return the content's size. Raises BadSeal: no sealed object is of such a length."""
    body = sealed_bytes - HEAD_BYTES
    chunks = max(1, -(-body // _STEP))
    plain = body - chunks * _TAG_BYTES
    if plain < 0 or _chunks(plain) != chunks:
        raise BadSeal("no sealed recording is of this length")
    return plain


def _chunks(plain_bytes: int) -> int:
    return max(1, -(-plain_bytes // CHUNK_BYTES))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(_NONCE_BYTES - 1, "big") + bytes([last])


def _derive(secret: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=_KEY_BYTES, salt=salt, info=purpose).derive(secret)
