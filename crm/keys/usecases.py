"""Making API keys, taking them back, and telling who asks with one."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from crm.database import Sessions, utc_now
from crm.identity.sessions import NotSignedIn
from crm.identity.tokens import Identity
from crm.keys.model import ApiKey
from crm.keys.scopes import may_give
from crm.keys.secret import BadKey, make_key, read_key
from crm.keys.store import KeyStore
from crm.page_cursor import Cursor, cut, decode
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork

KEYS_MAX: Final = 100  # active ones of an organisation
# A key that is used all the time is written to once in so long.
USED_EVERY: Final = timedelta(minutes=1)
_SORT: Final = "-created_at"


class KeyNotFound(Refusal):
    def __init__(self, key_id: UUID) -> None:
        super().__init__("key_not_found", {"key_id": str(key_id)})


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """Who asks with a key: the person who made it, with the rights that both of them have."""

    person: Identity
    key_id: UUID
    scopes: frozenset[str]


async def identify_key(text: str, sessions: Sessions) -> KeyIdentity:
    """Return who asks.

    Raises:
        NotSignedIn: unknown, revoked, expired, or its maker has left: which one is not told.
    """
    try:
        named = read_key(text)
    except BadKey:
        raise NotSignedIn from None
    now = utc_now()
    async with UnitOfWork(sessions, named.org_id) as unit:
        found = await KeyStore(unit).by_prefix(named.prefix)
        if found is None:
            raise NotSignedIn
        key, role = found
        if not hmac.compare_digest(named.hash, key.hash) or not is_active(key, now):
            raise NotSignedIn
        if key.last_used_at is None or key.last_used_at < now - USED_EVERY:
            key.last_used_at = now
            await unit.commit()
        return KeyIdentity(Identity(key.made_by, "", role, key.org_id), key.id, frozenset(map(str, key.scopes)))


async def add_key(
    name: str, scopes: Sequence[str], expires_at: datetime | None, person: Identity, unit: UnitOfWork
) -> tuple[ApiKey, str]:
    """Return it with its text, which is shown this once.

    Raises:
        Refusal: a scope is more than the person may, or there are KEYS_MAX.
    """
    _check_scopes(scopes, person)
    async with unit:
        await _check_room(unit)
        made = _put(name, sorted(set(scopes)), expires_at, person, unit)
        await unit.commit()
        return made


async def rotate_key(key_id: UUID, overlap: timedelta, person: Identity, unit: UnitOfWork) -> tuple[ApiKey, str]:
    """Replace a key by a new one with the same name, scopes and end; the old one works for `overlap` more.

    The new one is the asking person's.

    Raises:
        KeyNotFound
        Refusal: it is no longer active, or has a scope that is more than the person may.
    """
    now = utc_now()
    async with unit:
        old = await KeyStore(unit).lock(key_id)
        if old is None:
            raise KeyNotFound(key_id)
        if not is_active(old, now):
            raise Refusal("key_inactive")
        _check_scopes(old.scopes, person)
        if overlap:
            # The two are counted both.
            await _check_room(unit)
        made = _put(old.name, list(old.scopes), old.expires_at, person, unit)
        ends_at = now + overlap
        old.expires_at = min(old.expires_at, ends_at) if old.expires_at else ends_at
        if not overlap:
            _revoke(old, "rotated", now)
        await unit.commit()
        return made


async def revoke_key(key_id: UUID, why: str, unit: UnitOfWork) -> ApiKey:
    """Refuse a key from now on; of one that is revoked already nothing changes. Raises KeyNotFound."""
    async with unit:
        key = await KeyStore(unit).lock(key_id)
        if key is None:
            raise KeyNotFound(key_id)
        if key.revoked_at is None:
            _revoke(key, why, utc_now())
            await unit.commit()
        return key


async def list_keys(cursor: str, limit: int, unit: UnitOfWork) -> tuple[Sequence[ApiKey], str | None]:
    """Return a page, newest first, and the cursor of the next one. Raises BadCursor."""
    place = decode(cursor, _SORT, datetime) if cursor else None
    async with unit:
        found = await KeyStore(unit).newest(place, limit + 1)
    return cut(found, limit, lambda key: Cursor(_SORT, key.created_at, key.id))


def is_active(key: ApiKey, now: datetime) -> bool:
    return key.revoked_at is None and (key.expires_at is None or now < key.expires_at)


def _check_scopes(scopes: Sequence[str], person: Identity) -> None:
    if missing := sorted(scope for scope in scopes if not may_give(person.role, scope)):
        raise Refusal("scope_not_yours", {"scopes": missing})


async def _check_room(unit: UnitOfWork) -> None:
    if await KeyStore(unit).count_active(utc_now()) >= KEYS_MAX:
        raise Refusal("too_many_keys", {"max": KEYS_MAX})


def _put(
    name: str, scopes: list[str], expires_at: datetime | None, person: Identity, unit: UnitOfWork
) -> tuple[ApiKey, str]:
    made = make_key(unit.org_id)
    named = {"name": name, "prefix": made.prefix, "hash": made.hash, "scopes": scopes}
    key = ApiKey(org_id=unit.org_id, made_by=person.user_id, expires_at=expires_at, **named)
    unit.session.add(key)
    return key, made.text


def _revoke(key: ApiKey, why: str, now: datetime) -> None:
    key.revoked_at, key.revoked_why = now, why
