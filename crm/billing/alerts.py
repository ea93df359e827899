"""Telling an organisation that its credits come to an end: a row with the moment, an event, a letter to each admin.

Looked at when a call is over, and when somebody asks a model while the wallet is low.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select, update

from crm.billing.conditions import ConditionStore
from crm.billing.ledger import Ledger
from crm.billing.levels import is_due, level_of
from crm.billing.model import BalanceAlert, Subscription
from crm.calls.slots import held_for_calls
from crm.database import utc_now
from crm.identity.model import Member, MemberStatus, User
from crm.jobs.port import Args, Task
from crm.jobs.queue import JOBS
from crm.mail.port import Letter
from crm.mail.posting import MAIL
from crm.outbox.emitting import OUTBOX
from crm.outbox.model import OutboxEvent
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from events.ids import new_id
from events.money import MILLICREDITS_PER_CREDIT, Millicredits

EVENT: Final = "credits.low"
AFTER: Final = "call.finished"


@dataclass(frozen=True, slots=True)
class _Standing:
    base: int
    available: int


async def watch_event(unit: UnitOfWork, event: OutboxEvent) -> None:
    """Look at the credits after each call; a listener of the outbox."""
    if event.kind == AFTER:
        await check_credits(unit, utc_now())


async def check_credits(unit: UnitOfWork, now: datetime) -> BalanceAlert | None:
    """Tell of the level that is reached, if it was not told lately, in the caller's transaction."""
    # Two that look at once wait here, and the second sees what the first has told.
    await ConditionStore(unit).lock()
    standing = await _standing(unit)
    if standing.available >= standing.base:
        await set_base(unit, standing.available)
        return None
    level = level_of(standing.base, standing.available)
    if level is None or not is_due(level, await _told(unit), now):
        return None
    alert = BalanceAlert(
        org_id=unit.org_id, id=new_id(), level=level, base=standing.base, available=standing.available, at=now
    )
    unit.session.add(alert)
    told = {"level": level, "base": standing.base, "available": standing.available, "at": now.isoformat()}
    await OUTBOX.emit(unit, EVENT, told)
    for email in await _admins(unit):
        await MAIL.send(unit, _letter(email, alert), key=f"{EVENT}:{alert.id}:{email}")
    return alert


async def rebase(unit: UnitOfWork) -> None:
    """Measure from what there is now: credits came in, in the caller's transaction, which has locked the wallet."""
    await ConditionStore(unit).lock()
    await set_base(unit, (await _standing(unit)).available)


async def set_base(unit: UnitOfWork, base: int) -> None:
    mine = update(Subscription).where(Subscription.org_id == unit.org_id)
    await unit.session.execute(mine.values(alert_base=base))


async def look_if_low(unit: UnitOfWork, wallet: Millicredits, base: int) -> bool:
    """Have the credits looked at by the worker where there may be something to tell, in the caller's transaction."""
    if level_of(base, wallet) is None:
        return False
    await JOBS.defer(unit, WATCH, {"org_id": str(unit.org_id)}, key=f"billing.watch:{unit.org_id}")
    return True


async def list_alerts(unit: UnitOfWork, limit: int) -> Sequence[BalanceAlert]:
    """Return the newest, newest first."""
    async with unit:
        mine = select(BalanceAlert).where(BalanceAlert.org_id == unit.org_id)
        return (await unit.session.scalars(mine.order_by(BalanceAlert.id.desc()).limit(limit))).all()


async def _standing(unit: UnitOfWork) -> _Standing:
    base = await unit.session.scalar(select(Subscription.alert_base).where(Subscription.org_id == unit.org_id))
    return _Standing(base or 0, await Ledger(unit).wallet() + await held_for_calls(unit))


async def _told(unit: UnitOfWork) -> dict[int, datetime]:
    newest = select(BalanceAlert.level, func.max(BalanceAlert.at)).where(BalanceAlert.org_id == unit.org_id)
    return {row[0]: row[1] for row in await unit.session.execute(newest.group_by(BalanceAlert.level))}


async def _admins(unit: UnitOfWork) -> Sequence[str]:
    admins = select(User.email).join(Member, Member.user_id == User.id).order_by(User.email)
    active = Member.role == Role.ADMIN.value, Member.status == MemberStatus.ACTIVE.value
    return (await unit.session.scalars(admins.where(Member.org_id == unit.org_id, *active))).all()


def _letter(email: str, alert: BalanceAlert) -> Letter:
    left, base = (f"{milli / MILLICREDITS_PER_CREDIT:,.2f}" for milli in (alert.available, alert.base))
    return Letter(
        email,
        f"{alert.level} % of your credits are used",
        f"{left} of {base} credits are left. When they end, calls in progress say goodbye,\n"
        "and no new ones are placed. Put credits in, or ask whoever runs this installation to.\n",
    )


async def _watch(work: Work, args: Args) -> None:
    async with UnitOfWork(work.sessions, UUID(str(args["org_id"]))) as unit:
        await check_credits(unit, utc_now())
        await unit.commit()


WATCH: Final = Task("billing.watch", _watch)
