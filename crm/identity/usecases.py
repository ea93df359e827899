"""Signing in, and the beginning and end of organisations."""

import asyncio
import time
from dataclasses import dataclass, replace
from functools import cache
from typing import Final
from uuid import UUID

from pwdlib import PasswordHash
from sqlalchemy import delete

from crm.calls.model import DeadLetter
from crm.database import Sessions
from crm.founding import STEPS
from crm.identity import tokens
from crm.identity.model import Member, Organisation, User
from crm.identity.sessions import NOWHERE, Device, NotSignedIn, SignedIn, open_session
from crm.identity.store import PeopleStore
from crm.identity.tokens import BadToken, Identity
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

PASSWORD_CHARS_MAX: Final = 200


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


async def sign_in(email: str, password: str, sessions: Sessions, key: str, device: Device = NOWHERE) -> SignedIn:
    """Open a session in the person's first organisation.

    Raises:
        SignInFailed
    """
    async with UnitOfWork(sessions) as unit:
        people = PeopleStore(unit)
        user = await people.by_email(email.strip().lower())
        memberships = await people.memberships(user.id) if user else ()
    # An unknown address costs the same time as a wrong password.
    known = user.password_hash if user else await asyncio.to_thread(_nobodys_hash)
    fits = await asyncio.to_thread(_hasher().verify, password, known)
    if user is None or not fits or not memberships:
        raise SignInFailed
    async with UnitOfWork(sessions) as unit:
        signed_in = await open_session(user, memberships[0], device, unit, key)
        await unit.commit()
    return signed_in


async def identify(token: str, sessions: Sessions, key: str) -> Identity:
    """Return who the token names, with the role that they have now.

    Raises:
        NotSignedIn
    """
    try:
        identity = tokens.read(token, key, time.time())
    except BadToken:
        raise NotSignedIn from None
    async with UnitOfWork(sessions) as unit:
        role = await PeopleStore(unit).standing(identity)
    if role is None:
        raise NotSignedIn
    return replace(identity, role=role)


async def found_organisation(new: NewOrganisation, unit: UnitOfWork) -> User:
    """Make the unit's organisation with its first person and what features begin with, in the caller's transaction."""
    unit.session.add(Organisation(id=unit.org_id, name=new.name, slug=new.slug))
    await unit.session.flush()
    email = new.admin_email.strip().lower()
    # Row security lets one see only whom one looks for.
    user = await PeopleStore(unit).by_email(email)
    if user is None:
        user = User(id=new_id(), email=email, full_name=new.admin_name, password_hash=new.password_hash)
        unit.session.add(user)
        await unit.session.flush()
    unit.session.add(Member(org_id=unit.org_id, user_id=user.id, role="admin"))
    await unit.session.flush()
    for step in STEPS:
        await step(unit)
    return user


async def delete_organisation(org_id: UUID, sessions: Sessions) -> None:
    """Delete an organisation and all that is kept about it; people who belong to no other go with it."""
    async with UnitOfWork(sessions, org_id) as unit:
        people = PeopleStore(unit)
        members = await people.members()
        await people.delete_organisation()
        await unit.session.execute(delete(DeadLetter).where(DeadLetter.org_id == org_id))
        for user_id in members:
            await people.delete_if_left_over(user_id)
        await unit.commit()


def hash_password(password: str) -> str:
    """Return the hash that is stored. Blocking: tens of milliseconds of CPU."""
    return _hasher().hash(password)


@cache
def _hasher() -> PasswordHash:
    return PasswordHash.recommended()


@cache
def _nobodys_hash() -> str:
    return hash_password("nobody")
