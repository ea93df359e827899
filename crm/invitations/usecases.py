"""Inviting people by mail: a signed link that is good for 48 hours, once, and names one organisation."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from crm.billing.plans import Plans
from crm.billing.seats import take_seat
from crm.database import Sessions, utc_now
from crm.identity.hashing import hash_password
from crm.identity.model import Member, Organisation, User
from crm.identity.passwords import check_password
from crm.identity.store import PeopleStore
from crm.identity.tokens import Identity
from crm.invitations.model import Invitation
from crm.invitations.store import InvitationStore
from crm.mail.links import BadLink, ExpiredLink, UsedLink, read
from crm.mail.port import Letter, Link
from crm.mail.posting import MAIL
from crm.permissions import Role
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

PURPOSE: Final = "invitation"
PATH: Final = "/invitation"  # the page of crm.pages.people
GOOD_FOR: Final = timedelta(hours=48)
OPEN_MAX: Final = 200
_NEEDS: Final = ("org", "invitation")


class InvitationNotFound(Refusal):
    def __init__(self, invitation_id: UUID) -> None:
        super().__init__("invitation_not_found", {"invitation_id": invitation_id})


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What somebody who is not known yet says of themselves."""

    full_name: str
    password: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the one who holds the link is asked."""

    organisation: str
    email: str
    role: str
    known: bool  # signs in already: neither name nor password is asked


async def invite(email: str, role: Role, person: Identity, plans: Plans, unit: UnitOfWork) -> Invitation:
    """Ask somebody to join; an earlier invitation of theirs can no longer be accepted.

    Raises:
        PlanLimit
        Refusal: `already_member`, `too_many_invitations`
    """
    async with unit:
        made = await add_invitation(email, role, person.user_id, plans, unit)
        await unit.commit()
        return made


async def add_invitation(email: str, role: Role, invited_by: UUID | None, plans: Plans, unit: UnitOfWork) -> Invitation:
    """As `invite`, in the caller's transaction."""
    now = utc_now()
    store = InvitationStore(unit)
    if await store.is_member(email):
        raise Refusal("already_member")
    await store.withdraw_all_of(email)
    others = await store.count_open(now)
    if others >= OPEN_MAX:
        raise Refusal("too_many_invitations", {"most": OPEN_MAX})
    await take_seat(unit, plans, invited=others)
    row = Invitation(
        org_id=unit.org_id, id=new_id(), email=email, role=role.value, invited_by=invited_by, expires_at=now + GOOD_FOR
    )
    unit.session.add(row)
    await unit.session.flush()
    organisation = await unit.session.get_one(Organisation, unit.org_id)
    text = (
        f"You are invited to {organisation.name} at Sales OS, as {role.value}.\n\n"
        "To join, open this page within 48 hours:\n\n{link}\n\n"
        "If you did not expect this, do nothing.\n"
    )
    link = link_of(row)
    subject = f"Invitation to {' '.join(organisation.name.split())}"
    await MAIL.send(unit, Letter(email, subject, text, link), key=f"invitation:{row.id}")
    return row


def link_of(invitation: Invitation) -> Link:
    """Return the link of its letter."""
    claims = {"org": str(invitation.org_id), "invitation": str(invitation.id)}
    return Link(PURPOSE, PATH, claims, invitation.expires_at)


async def list_invitations(unit: UnitOfWork) -> Sequence[Invitation]:
    """Return those that may still be accepted."""
    async with unit:
        return await InvitationStore(unit).open(utc_now())


async def withdraw(invitation_id: UUID, unit: UnitOfWork) -> None:
    """Raises InvitationNotFound: also when it was accepted or has expired."""
    async with unit:
        if not await InvitationStore(unit).withdraw(invitation_id, utc_now()):
            raise InvitationNotFound(invitation_id)
        await unit.commit()


async def look_at(token: str, sessions: Sessions, key: str) -> Asked:
    """Raises BadLink, ExpiredLink, UsedLink."""
    async with UnitOfWork(sessions, _org_of(_claims(token, key))) as unit:
        row = await _open_row(token, key, unit)
        organisation = await unit.session.get_one(Organisation, unit.org_id)
        user = await PeopleStore(unit).by_email(row.email)
        return Asked(organisation.name, row.email, row.role, user is not None)


async def accept(token: str, new: NewPerson | None, plans: Plans, sessions: Sessions, key: str) -> Asked:
    """Make the holder of the link a member: they read the mail of that address. They sign in themselves.

    Raises:
        BadLink, ExpiredLink, UsedLink
        PasswordRefused
        PlanLimit: the plan became smaller meanwhile
        Refusal: `person_needed`, the address is not known yet and `new` is None
    """
    # Nothing is locked while a password is hashed.
    asked = await look_at(token, sessions, key)
    password_hash = ""
    if not asked.known:
        if new is None:
            raise Refusal("person_needed")
        check_password(new.password, (new.full_name, asked.email, asked.organisation))
        password_hash = await asyncio.to_thread(hash_password, new.password)
    async with UnitOfWork(sessions, _org_of(_claims(token, key))) as unit:
        row = await _open_row(token, key, unit)
        people = PeopleStore(unit)
        user = await people.by_email(row.email)
        if user is None:
            if new is None or not password_hash:
                raise Refusal("person_needed")  # the person was taken out of everywhere a moment ago
            user = await people.add(row.email, new.full_name, password_hash)
        if await unit.session.get(Member, (unit.org_id, user.id)) is None:
            await take_seat(unit, plans)
            unit.session.add(Member(org_id=unit.org_id, user_id=user.id, role=row.role))
        row.accepted_at = utc_now()
        await unit.commit()
    return asked


async def ask_for_another(token: str, sessions: Sessions, key: str) -> None:
    """Tell whoever sent an invitation that its link is of no use any more; of a link that is not ours nothing.

    Once for each invitation: the link may be in many hands.
    """
    try:
        claims = _claims(token, key)
    except ExpiredLink as expired:
        claims = {name: str(expired.claims.get(name, "")) for name in _NEEDS}
    except BadLink:
        return
    async with UnitOfWork(sessions, _org_of(claims)) as unit:
        row = await InvitationStore(unit).lock(UUID(claims["invitation"]))
        if row is None or row.accepted_at is not None or row.invited_by is None:
            return
        inviter = await unit.session.get(User, row.invited_by)
        if inviter is None:
            return
        text = f"{row.email} asks for a new invitation: the link of the last one is of no use any more.\n"
        letter = Letter(inviter.email, "A new invitation is asked for", text)
        await MAIL.send(unit, letter, key=f"invitation_asked:{row.id}")
        await unit.commit()


def _claims(token: str, key: str) -> dict[str, str]:
    return dict(read(PURPOSE, token, _NEEDS, utc_now().timestamp(), key))


def _org_of(claims: dict[str, str]) -> UUID:
    return UUID(claims["org"])


async def _open_row(token: str, key: str, unit: UnitOfWork) -> Invitation:
    row = await InvitationStore(unit).lock(UUID(_claims(token, key)["invitation"]))
    if row is None or row.accepted_at is not None:
        raise UsedLink
    return row
