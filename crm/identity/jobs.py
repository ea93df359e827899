"""Letters to people about their signing in, and forgetting what counts no more.

Whether anybody has an address is found out here, behind the request: putting the job in takes the same time for all.
"""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from crm.database import utc_now
from crm.identity.attempts import forget_old
from crm.identity.hashing import mark_of
from crm.identity.model import User
from crm.identity.store import PeopleStore
from crm.jobs.port import Args, Queue, Task
from crm.mail.port import Letter, Link
from crm.mail.posting import MAIL
from crm.unit_of_work import UnitOfWork
from crm.work import Work

RESET: Final = "password_reset"
RESET_PATH: Final = "/reset-password"  # pages of crm.pages.people
RESET_GOOD_FOR: Final = timedelta(hours=1)
# One letter in so long, however often it is asked for.
RESET_EVERY_S: Final = 300
UNLOCK: Final = "unlock"
UNLOCK_PATH: Final = "/unlock"


async def _send_reset(work: Work, args: Args) -> None:
    user = await _user(work, args)
    if user is None:
        return
    text = (
        "Somebody, most likely you, asked for a new password at Sales OS.\n\n"
        "To set one, open this page within an hour:\n\n{link}\n\n"
        "If it was not you, do nothing: your password stays as it is.\n"
    )
    now = utc_now()
    claims = {"user": str(user.id), "was": mark_of(user.password_hash)}
    link = Link(RESET, RESET_PATH, claims, now + RESET_GOOD_FOR)
    key = f"reset:{user.id}:{int(now.timestamp()) // RESET_EVERY_S}"
    await _send(work, user, Letter(user.email, "Your password at Sales OS", text, link), key)


async def _send_unlock(work: Work, args: Args) -> None:
    user = await _user(work, args)
    if user is None:
        return
    until = datetime.fromisoformat(str(args["until"]))
    minutes = max(1, round((until - utc_now()).total_seconds() / 60))
    text = (
        f"Signing in to Sales OS as {user.email} is locked for {minutes} minutes: the password was wrong too often.\n\n"
        "If it was you, unlock it at once here:\n\n{link}\n\n"
        "If it was not you, somebody is guessing: they did not get in. Take a password that you use nowhere else.\n"
    )
    link = Link(UNLOCK, UNLOCK_PATH, {"user": str(user.id), "until": until.isoformat()}, until)
    await _send(work, user, Letter(user.email, "Signing in is locked", text, link), f"unlock:{user.id}:{until}")


async def _user(work: Work, args: Args) -> User | None:
    user_id = UUID(str(args["user_id"]))
    async with UnitOfWork(work.sessions) as unit:
        await unit.act_as_user(user_id)
        return await unit.session.get(User, user_id)


async def _send(work: Work, user: User, letter: Letter, key: str) -> None:
    """Post it in the name of the person's first organisation; who belongs to none gets no letter."""
    async with UnitOfWork(work.sessions) as unit:
        memberships = await PeopleStore(unit).memberships(user.id)
    if memberships:
        async with UnitOfWork(work.sessions, memberships[0].org_id) as unit:
            await MAIL.send(unit, letter, key=key)
            await unit.commit()


async def _tidy(work: Work, _args: Args) -> None:
    async with UnitOfWork(work.sessions) as unit:
        await forget_old(unit, utc_now())
        await unit.commit()


RESET_LETTER: Final = Task("identity.send_reset", _send_reset, queue=Queue.CRITICAL)
UNLOCK_LETTER: Final = Task("identity.send_unlock", _send_unlock, queue=Queue.CRITICAL)
TIDY: Final = Task("identity.tidy", _tidy, cron="17 * * * *")
TASKS: Final = (RESET_LETTER, UNLOCK_LETTER, TIDY)
