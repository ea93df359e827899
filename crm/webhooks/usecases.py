"""Adding webhooks, switching them on, taking them away; looking at postings and replaying them."""

import base64
import secrets
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_

from crm.database import utc_now
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from crm.webhooks.jobs import WAITING, purpose_of, put_in
from crm.webhooks.model import Delivery, Webhook
from events.ids import new_id
from events.sealed_secret import seal

WEBHOOKS_MAX: Final = 20
SECRET_BYTES: Final = 32  # Standard Webhooks: 24 to 64


class WebhookNotFound(Refusal):
    def __init__(self, webhook_id: UUID) -> None:
        super().__init__("webhook_not_found", {"webhook_id": str(webhook_id)})


class DeliveryNotFound(Refusal):
    def __init__(self, delivery_id: UUID) -> None:
        super().__init__("delivery_not_found", {"delivery_id": str(delivery_id)})


async def add_webhook(url: str, kinds: Sequence[str], unit: UnitOfWork, secret_key: str) -> tuple[Webhook, str]:
    """Return it with its secret, which is shown this once. Raises Refusal: there are WEBHOOKS_MAX."""
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()
    async with unit:
        there = await unit.session.scalar(select(func.count()).where(Webhook.org_id == unit.org_id))
        if (there or 0) >= WEBHOOKS_MAX:
            raise Refusal("too_many_webhooks", {"max": WEBHOOKS_MAX})
        webhook_id = new_id()
        sealed = seal(secret, secret_key, unit.org_id, purpose_of(webhook_id))
        webhook = Webhook(org_id=unit.org_id, id=webhook_id, url=url, kinds=sorted(set(kinds)), sealed=sealed)
        unit.session.add(webhook)
        await unit.commit()
        return webhook, secret


async def list_webhooks(unit: UnitOfWork) -> Sequence[Webhook]:
    async with unit:
        mine = select(Webhook).where(Webhook.org_id == unit.org_id).order_by(Webhook.id)
        return (await unit.session.scalars(mine)).all()


async def switch(webhook_id: UUID, unit: UnitOfWork, *, on: bool) -> Webhook:
    """Raises WebhookNotFound."""
    async with unit:
        webhook = await _get(webhook_id, unit)
        webhook.on, webhook.off_reason = on, "" if on else "switched_off"
        webhook.slow_tries, webhook.held_until = 0, None
        await unit.commit()
        return webhook


async def drop_webhook(webhook_id: UUID, unit: UnitOfWork) -> None:
    """Its postings go with it. Raises WebhookNotFound."""
    async with unit:
        await _get(webhook_id, unit)
        await unit.session.execute(delete(Webhook).where(Webhook.org_id == unit.org_id, Webhook.id == webhook_id))
        await unit.commit()


async def list_deliveries(webhook_id: UUID, unit: UnitOfWork, *, before: UUID | None, limit: int) -> Sequence[Delivery]:
    """Return the newest first; `before` is the id that the last page ended with. Raises WebhookNotFound."""
    async with unit:
        await _get(webhook_id, unit)
        mine = select(Delivery).where(Delivery.org_id == unit.org_id, Delivery.webhook_id == webhook_id)
        if before is not None:
            mine = mine.where(tuple_(Delivery.id) < tuple_(before))
        return (await unit.session.scalars(mine.order_by(Delivery.id.desc()).limit(limit))).all()


async def replay(webhook_id: UUID, delivery_id: UUID, unit: UnitOfWork) -> Delivery:
    """Post it again under the id of its event, so that a receiver that has it can tell.

    Raises:
        DeliveryNotFound: or it is of another webhook.
    """
    async with unit:
        delivery = await unit.session.get(Delivery, (unit.org_id, delivery_id), with_for_update=True)
        if delivery is None or delivery.webhook_id != webhook_id:
            raise DeliveryNotFound(delivery_id)
        if delivery.state != WAITING:
            delivery.state, delivery.done_at, delivery.tries, delivery.began_at = WAITING, None, 0, utc_now()
            await put_in(unit, delivery.id)
            await unit.commit()
        return delivery


async def _get(webhook_id: UUID, unit: UnitOfWork) -> Webhook:
    webhook = await unit.session.get(Webhook, (unit.org_id, webhook_id), with_for_update=True)
    if webhook is None:
        raise WebhookNotFound(webhook_id)
    return webhook
