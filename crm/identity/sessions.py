"""Sessions: opened by signing in, kept alive by refresh tokens, ended one by one or all at once.

An access token is good for as long as its session is there: ending one takes effect with the next request.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog

from crm.database import Sessions, utc_now
from crm.identity import refresh_tokens, tokens
from crm.identity.model import User, UserSession
from crm.identity.refresh_tokens import BadRefreshToken, Chain, Verdict
from crm.identity.session_store import SessionStore
from crm.identity.standings import Standings
from crm.identity.store import Membership, PeopleStore
from crm.identity.tokens import Identity
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

DEVICE_CHARS_MAX: Final = 200

log = structlog.get_logger()


class NotSignedIn(Refusal):
    """No token, a bad one, or one of a session or membership that is over."""

    def __init__(self) -> None:
        super().__init__("not_signed_in")


class SessionNotFound(Refusal):
    def __init__(self, session_id: UUID) -> None:
        super().__init__("session_not_found", {"session_id": session_id})


@dataclass(frozen=True, slots=True)
class Device:
    """What a session is recognised by in the list: words of the client's own."""

    agent: str = ""
    address: str = ""


NOWHERE: Final = Device()


@dataclass(frozen=True, slots=True)
class SignedIn:
    identity: Identity
    token: str  # the access token
    refresh_token: str


async def open_session(user: User, membership: Membership, device: Device, unit: UnitOfWork, key: str) -> SignedIn:
    """Open one for a person who has proved who they are, in the caller's transaction."""
    now = utc_now()
    store = SessionStore(unit, user.id)
    await store.begin()
    session_id = new_id()
    token = refresh_tokens.first(user.id, session_id)
    row = UserSession(
        id=session_id,
        user_id=user.id,
        org_id=membership.org_id,
        generation=token.generation,
        secret_hash=token.hash,
        rotated_at=now,
        expires_at=now + refresh_tokens.IDLE,
        agent=device.agent[:DEVICE_CHARS_MAX],
        address=device.address[:DEVICE_CHARS_MAX],
        created_at=now,
        used_at=now,
    )
    await store.add(row, now)
    identity = Identity(user.id, user.email, membership.role, membership.org_id, session_id)
    return _signed_in(identity, token, key, now)


async def refresh(text: str, org_id: UUID | None, sessions: Sessions, standings: Standings, key: str) -> SignedIn:
    """Exchange a refresh token for the next, and an access token of the organisation `org_id`.

    None keeps the organisation of the last time, or takes another where that one lets the person in no more. A token
    that was exchanged before ends its session.

    Raises:
        NotSignedIn
        Refusal: `tenant_mismatch`, the person is no member there; the token was not exchanged.
    """
    try:
        token = refresh_tokens.read(text, key)
    except BadRefreshToken:
        raise NotSignedIn from None
    now = utc_now()
    async with UnitOfWork(sessions) as unit:
        store = SessionStore(unit, token.user_id)
        await store.begin()
        row = await store.lock(token.session_id, now)
        if row is None:
            raise NotSignedIn
        verdict = refresh_tokens.judge(token, Chain(row.generation, row.secret_hash, row.rotated_at), key, now)
        if verdict is Verdict.REUSED:
            async with standings.changing(token.user_id):
                await store.end(row.id)
                await unit.commit()
            log.warning("session.token_reused", session_id=str(token.session_id), user_id=str(token.user_id))
            raise NotSignedIn
        membership = await _membership(org_id, row, unit)
        user = await unit.session.get_one(User, token.user_id)
        following = token.after(key)
        if verdict is Verdict.NEXT:
            row.generation, row.secret_hash, row.rotated_at = following.generation, following.hash, now
            row.expires_at = min(now + refresh_tokens.IDLE, row.created_at + refresh_tokens.LIFETIME)
        row.used_at, row.org_id = now, membership.org_id
        await unit.commit()
    identity = Identity(user.id, user.email, membership.role, membership.org_id, row.id)
    return _signed_in(identity, following, key, now)


async def list_sessions(person: Identity, sessions: Sessions) -> Sequence[UserSession]:
    async with UnitOfWork(sessions) as unit:
        store = SessionStore(unit, person.user_id)
        await store.begin()
        return await store.alive(utc_now())


async def end_session(session_id: UUID, person: Identity, sessions: Sessions, standings: Standings) -> None:
    """Raises SessionNotFound: also when it is another person's."""
    async with standings.changing(person.user_id), UnitOfWork(sessions) as unit:
        store = SessionStore(unit, person.user_id)
        await store.begin()
        if not await store.end(session_id):
            raise SessionNotFound(session_id)
        await unit.commit()


async def end_all_sessions(person: Identity, sessions: Sessions, standings: Standings) -> None:
    """Log out everywhere, here too."""
    async with standings.changing(person.user_id), UnitOfWork(sessions) as unit:
        store = SessionStore(unit, person.user_id)
        await store.begin()
        await store.end_all()
        await unit.commit()


async def _membership(org_id: UUID | None, row: UserSession, unit: UnitOfWork) -> Membership:
    memberships = await PeopleStore(unit).memberships(row.user_id)
    by_org = {membership.org_id: membership for membership in memberships}
    if org_id is not None:
        if org_id not in by_org:
            raise Refusal("tenant_mismatch")
        return by_org[org_id]
    if not memberships:
        raise NotSignedIn
    return by_org.get(row.org_id, memberships[0])


def _signed_in(identity: Identity, token: refresh_tokens.RefreshToken, key: str, now: datetime) -> SignedIn:
    access = tokens.issue(identity, key, int(now.timestamp()))
    return SignedIn(identity, access, refresh_tokens.write(token, key))
