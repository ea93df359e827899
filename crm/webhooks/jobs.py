"""The job that posts one event to one webhook, and tries again for three days."""

from datetime import datetime
from time import monotonic
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from crm.database import utc_now
from crm.identity.model import Member, MemberStatus, User
from crm.jobs.port import Args, Queue, Task
from crm.jobs.queue import JOBS
from crm.mail.port import Letter
from crm.mail.posting import MAIL
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from crm.webhooks.model import Delivery, Webhook
from crm.webhooks.schedule import GONE, Verdict, judge
from crm.webhooks.sending import Answer
from crm.webhooks.slowness import SLOW_S, SLOW_TRIES, TURN, after_posting, comes_again
from crm.work import Work
from events.sealed_secret import BadSecret, unseal

WAITING: Final = "waiting"
DELIVERED: Final = "delivered"
FAILED: Final = "failed"

log = structlog.get_logger()


def purpose_of(webhook_id: UUID) -> str:
    """What a webhook's secret is sealed for."""
    return f"webhook:{webhook_id}"


async def _deliver(work: Work, args: Args) -> None:
    org_id, delivery_id = UUID(str(args["org_id"])), UUID(str(args["delivery_id"]))
    async with UnitOfWork(work.sessions, org_id) as unit:
        delivery = await unit.session.get(Delivery, (org_id, delivery_id))
        webhook = await unit.session.get(Webhook, (org_id, delivery.webhook_id)) if delivery is not None else None
        if delivery is None or webhook is None or delivery.state != WAITING:
            return  # taken away meanwhile, or done by a worker that died before it could say so
        if webhook.slow_tries >= SLOW_TRIES and await _is_held(webhook, delivery_id, unit):
            return
    if not webhook.on:
        await _record(work, org_id, delivery_id, Answer(None, "webhook_off"))
        return
    try:
        secret = unseal(webhook.sealed, work.secret_key, org_id, purpose_of(webhook.id))
    except BadSecret:
        await _record(work, org_id, delivery_id, Answer(None, "secret_unreadable"))
        return
    # No transaction is held open while a customer's server thinks.
    began = monotonic()
    answer = await work.webhooks.post(webhook.url, secret, str(delivery.event_id), delivery.body, utc_now())
    await _record(work, org_id, delivery_id, answer, monotonic() - began)


async def _is_held(webhook: Webhook, delivery_id: UUID, unit: UnitOfWork) -> bool:
    """Take the turn of a webhook whose server hangs; True: another has it, or none may go yet, and this comes again."""
    await unit.session.refresh(webhook, with_for_update=True)
    now = utc_now()
    held = webhook.held_until is not None and webhook.held_until > now
    if webhook.held_until is not None and held:
        await put_in(unit, delivery_id, at=comes_again(webhook.held_until, delivery_id))
    elif webhook.on:
        webhook.held_until = now + TURN
    await unit.commit()
    return held


async def _record(work: Work, org_id: UUID, delivery_id: UUID, answer: Answer, took_s: float | None = None) -> None:
    """Write down what came of it; `took_s` None: nothing was posted."""
    now = utc_now()
    async with UnitOfWork(work.sessions, org_id) as unit:
        delivery = await unit.session.get(Delivery, (org_id, delivery_id), with_for_update=True)
        if delivery is None or delivery.state != WAITING:
            return
        delivery.tries += 1
        delivery.status, delivery.fault = answer.status, answer.fault
        verdict, again = judge(answer.status, delivery.began_at, delivery.tries, now)
        if took_s is not None:
            await _mind_slowness(unit, delivery.webhook_id, took_s, now, answered=answer.status is not None)
        if answer.fault == "webhook_off":
            verdict = Verdict.GIVEN_UP
        match verdict:
            case Verdict.DELIVERED:
                delivery.state, delivery.done_at = DELIVERED, now
            case Verdict.AGAIN:
                await put_in(unit, delivery_id, at=again)
            case Verdict.GIVEN_UP:
                delivery.state, delivery.done_at = FAILED, now
                await _switch_off(unit, delivery)
        await unit.commit()
    log.info("webhook.posted", verdict=verdict.value, status=answer.status, fault=answer.fault)


async def _mind_slowness(unit: UnitOfWork, webhook_id: UUID, took_s: float, now: datetime, *, answered: bool) -> None:
    webhook = await unit.session.get(Webhook, (unit.org_id, webhook_id))
    if webhook is None or (webhook.slow_tries == 0 and took_s < SLOW_S):
        return  # as nearly always: the row is not written
    await unit.session.refresh(webhook, with_for_update=True)
    webhook.slow_tries, webhook.held_until = after_posting(webhook.slow_tries, took_s, now, answered=answered)
    if webhook.held_until is not None:
        log.warning("webhook.held", webhook_id=str(webhook_id), until=webhook.held_until.isoformat())


async def put_in(unit: UnitOfWork, delivery_id: UUID, *, at: datetime | None = None) -> None:
    """Have it posted, in the caller's transaction."""
    await JOBS.defer(unit, DELIVER, {"org_id": str(unit.org_id), "delivery_id": str(delivery_id)}, at=at)


async def _switch_off(unit: UnitOfWork, delivery: Delivery) -> None:
    """Post nothing more there, and tell the organisation's admins."""
    webhook = await unit.session.get(Webhook, (unit.org_id, delivery.webhook_id), with_for_update=True)
    if webhook is None or not webhook.on:
        return
    webhook.on = False
    webhook.off_reason = "gone" if delivery.status == GONE else "failed_for_three_days"
    admins = select(User.email).join(Member, Member.user_id == User.id)
    active = MemberStatus.ACTIVE.value
    of_org = Member.org_id == unit.org_id, Member.role == Role.ADMIN.value, Member.status == active
    text = (
        f"Events are no longer posted to {webhook.url}.\n\n"
        f"The last answer was: {delivery.fault or delivery.status}. Postings were tried for three days, unless the\n"
        "address said that it is gone for good (410). Mend it, then switch the webhook on again; what was not\n"
        "delivered can be replayed from its list.\n"
    )
    for email in await unit.session.scalars(admins.where(*of_org)):
        letter = Letter(email, "A webhook was switched off", text)
        await MAIL.send(unit, letter, key=f"webhook_off:{webhook.id}:{delivery.id}:{email}")


DELIVER: Final = Task("webhooks.deliver", _deliver, queue=Queue.OUTSIDE)
TASKS: Final = (DELIVER,)
