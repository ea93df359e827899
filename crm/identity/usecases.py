"""Signing in, and the beginning and end of organisations."""

import asyncio
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import delete

from crm.calls.model import DeadLetter
from crm.database import Sessions, utc_now
from crm.founding import STEPS
from crm.identity import tokens
from crm.identity.attempts import AttemptStore, begin, fail
from crm.identity.hashing import fits
from crm.identity.jobs import UNLOCK, UNLOCK_LETTER
from crm.identity.lockout import FAILURES_MAX
from crm.identity.model import Member, Organisation, User
from crm.identity.sessions import NOWHERE, Device, NotSignedIn, SignedIn, open_session
from crm.identity.standings import Standings
from crm.identity.store import PeopleStore
from crm.identity.tokens import BadToken, Identity
from crm.jobs.queue import JOBS
from crm.mail.links import UsedLink, read
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

PASSWORD_CHARS_MAX: Final = 200

log = structlog.get_logger()


class SignInFailed(Refusal):
    """Unknown address or wrong password: which one is not told."""

    def __init__(self) -> None:
        super().__init__("sign_in_failed")


@dataclass(frozen=True, slots=True)
class NewOrganisation:
    name: str
    slug: str
    admin_name: str
    admin_email: str
    password_hash: str  # from hash_password; used for an address that is not known yet


async def sign_in(
    email: str,
    password: str,
    sessions: Sessions,
    key: str,
    device: Device = NOWHERE,
    failures_max: int = FAILURES_MAX,
) -> SignedIn:
    """Open a session in the person's first organisation.

    An address that nobody has is treated like any other, in what is answered, counted, waited for and done.

    Raises:
        SignInLater: after wrong passwords; this one was not looked at
        SignInFailed
    """
    email = email.strip().lower()
    await begin(email, sessions, key, failures_max)
    async with UnitOfWork(sessions) as unit:
        people = PeopleStore(unit)
        user = await people.by_email(email)
        memberships = await people.memberships(user.id if user is not None else new_id())
    right = await asyncio.to_thread(fits, password, user.password_hash if user is not None else None)
    async with UnitOfWork(sessions) as unit:
        if user is not None and right and memberships:
            await AttemptStore(unit, email, key).forget()
            signed_in = await open_session(user, memberships[0], device, unit, key)
            await unit.commit()
            return signed_in
        locked_until = await fail(unit, email, key, failures_max)
        if locked_until is not None:
            log.warning("sign_in.locked", until=locked_until.isoformat())
            told = {"user_id": str(user.id if user is not None else new_id()), "until": locked_until.isoformat()}
            await JOBS.defer(unit, UNLOCK_LETTER, told)
        await unit.commit()
    raise SignInFailed


async def unlock(token: str, sessions: Sessions, key: str) -> None:
    """Let somebody sign in again before a lock is over, by the link of its letter.

    Raises:
        BadLink, ExpiredLink, UsedLink
    """
    claims = read(UNLOCK, token, ("user", "until"), utc_now().timestamp(), key)
    user_id = UUID(claims["user"])
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(user_id)
        user = await unit.session.get(User, user_id)
        until = datetime.fromisoformat(claims["until"])
        if user is None or not await AttemptStore(unit, user.email, key).unlock(until):
            raise UsedLink
        await unit.commit()


async def identify(token: str, standings: Standings, key: str) -> Identity:
    """Return who the token names, with the role that they have now.

    Raises:
        NotSignedIn
    """
    try:
        identity = tokens.read(token, key, time.time())
    except BadToken:
        raise NotSignedIn from None
    role = await standings.role_of(identity)
    if role is None:
        raise NotSignedIn
    return replace(identity, role=role)


async def found_organisation(new: NewOrganisation, unit: UnitOfWork) -> User:
    """Make the unit's organisation with its first person, in the caller's transaction."""
    await begin_organisation(new.name, new.slug, unit)
    email = new.admin_email.strip().lower()
    # Row security lets one see only whom one looks for.
    user = await PeopleStore(unit).by_email(email)
    if user is None:
        user = User(id=new_id(), email=email, full_name=new.admin_name, password_hash=new.password_hash)
        unit.session.add(user)
        await unit.session.flush()
    unit.session.add(Member(org_id=unit.org_id, user_id=user.id, role="admin"))
    await unit.session.flush()
    return user


async def begin_organisation(name: str, slug: str, unit: UnitOfWork) -> Organisation:
    """Make the unit's organisation with what features begin with, in the caller's transaction."""
    organisation = Organisation(id=unit.org_id, name=name, slug=slug)
    unit.session.add(organisation)
    await unit.session.flush()
    for step in STEPS:
        await step(unit)
    return organisation


async def delete_organisation(org_id: UUID, sessions: Sessions, standings: Standings) -> None:
    """Delete an organisation and all that is kept about it; people who belong to no other go with it."""
    async with UnitOfWork(sessions, org_id) as unit:
        members = await PeopleStore(unit).members()
    async with AsyncExitStack() as stack:
        for user_id in members:
            await stack.enter_async_context(standings.changing(user_id))
        unit = await stack.enter_async_context(UnitOfWork(sessions, org_id))
        people = PeopleStore(unit)
        await people.delete_organisation()
        await unit.session.execute(delete(DeadLetter).where(DeadLetter.org_id == org_id))
        for user_id in members:
            await people.delete_if_left_over(user_id)
        await unit.commit()
