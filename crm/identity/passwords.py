"""Passwords: what is taken, changing one's own, and setting a new one by a link in a letter."""

import asyncio
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from typing_extensions import TypedDict

from crm.database import Sessions, utc_now
from crm.identity.attempts import AttemptStore, begin, fail
from crm.identity.hashing import fits, hash_password, mark_of
from crm.identity.jobs import RESET, RESET_LETTER
from crm.identity.model import User
from crm.identity.password_rules import TEXTS, Rule, judge
from crm.identity.session_store import SessionStore
from crm.identity.standings import Standings
from crm.identity.store import PeopleStore
from crm.identity.tokens import Identity
from crm.jobs.queue import JOBS
from crm.mail.links import UsedLink, read
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


class PasswordRefused(Refusal):
    """Names every rule that is not met."""

    def __init__(self, unmet: Iterable[Rule]) -> None:
        super().__init__("password_refused", {"unmet": unmet_json(unmet)})


class UnmetJson(TypedDict):
    rule: Rule
    text: str


def unmet_json(rules: Iterable[Rule]) -> list[UnmetJson]:
    return [{"rule": rule, "text": TEXTS[rule]} for rule in rules]


def check_password(password: str, about: Iterable[str]) -> None:
    """Raises PasswordRefused."""
    judgement = judge(password, about)
    if judgement.unmet:
        raise PasswordRefused(judgement.unmet)


@dataclass(frozen=True, slots=True)
class Change:
    current: str
    new: str


async def change_password(
    person: Identity, change: Change, sessions: Sessions, standings: Standings, key: str, failures_max: int
) -> None:
    """Set one's own; every other session of the person ends.

    Raises:
        SignInLater: the current one was wrong too often, here or in signing in
        Refusal: `password_wrong`
        PasswordRefused
    """
    user = await _user(person.user_id, sessions)
    assert user is not None, "whoever is signed in is there"
    await begin(user.email, sessions, key, failures_max)
    right = await asyncio.to_thread(fits, change.current, user.password_hash)
    async with UnitOfWork(sessions) as unit:
        if right:
            await AttemptStore(unit, user.email, key).forget()
        else:
            await fail(unit, user.email, key, failures_max)
        await unit.commit()
    if not right:
        raise Refusal("password_wrong")
    check_password(change.new, (user.full_name, user.email))
    async with standings.changing(user.id):
        await _set(user, change.new, sessions, but=person.session_id, key=key)


async def ask_for_reset(email: str, sessions: Sessions) -> None:
    """Have a link mailed to whoever has that address. Does as much, and takes as long, when nobody has it."""
    async with UnitOfWork(sessions) as unit:
        user = await PeopleStore(unit).by_email(email)
        user_id = user.id if user is not None else new_id()
        await JOBS.defer(unit, RESET_LETTER, {"user_id": str(user_id)}, key=f"reset:{user_id}")
        await unit.commit()


async def whose_reset(token: str, sessions: Sessions, key: str) -> User:
    """Return who may set a new password by that link.

    Raises:
        BadLink, ExpiredLink, UsedLink
    """
    claims = read(RESET, token, ("user", "was"), utc_now().timestamp(), key)
    user = await _user(UUID(claims["user"]), sessions)
    if user is None or not hmac.compare_digest(mark_of(user.password_hash), claims["was"]):
        raise UsedLink
    return user


async def reset_password(token: str, new: str, sessions: Sessions, standings: Standings, key: str) -> None:
    """Set a new one by the link of a letter; all sessions of the person end, and a lock of signing in too.

    Raises:
        BadLink, ExpiredLink, UsedLink
        PasswordRefused
    """
    user = await whose_reset(token, sessions, key)
    check_password(new, (user.full_name, user.email))
    async with standings.changing(user.id):
        await _set(user, new, sessions, but=None, key=key)


async def _set(before: User, new: str, sessions: Sessions, *, but: UUID | None, key: str) -> None:
    # Nothing is locked while it is hashed.
    made = await asyncio.to_thread(hash_password, new)
    async with UnitOfWork(sessions) as unit:
        store = SessionStore(unit, before.id)
        await store.begin()
        locked = select(User).where(User.id == before.id).with_for_update()
        user = (await unit.session.scalars(locked)).one_or_none()
        if user is None or user.password_hash != before.password_hash:
            raise UsedLink
        user.password_hash = made
        await store.end_all(but)
        await AttemptStore(unit, user.email, key).forget()
        await unit.commit()


async def _user(user_id: UUID, sessions: Sessions) -> User | None:
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(user_id)
        return await unit.session.get(User, user_id)
