"""/api/webhooks: where an organisation's events are posted to, what was posted, and posting it again."""

from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from crm.access import Held, Needs, Unit
from crm.answers import success
from crm.permissions import Permission
from crm.webhooks.addresses import URL_CHARS_MAX, check_url
from crm.webhooks.delivering import KINDS
from crm.webhooks.model import Delivery, Webhook
from crm.webhooks.usecases import add_webhook, drop_webhook, list_deliveries, list_webhooks, replay, switch

LIMIT_MAX: Final = 100
EventKind = Literal["call.finished", "credits.low", "import.finished", "lead.created"]

router = APIRouter(prefix="/api/webhooks", dependencies=[Depends(Needs(Permission.WEBHOOKS_WRITE))])


def _checked(url: str) -> str:
    check_url(url)
    return url


class WebhookBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(max_length=URL_CHARS_MAX), AfterValidator(_checked)]
    kinds: list[EventKind] = Field(min_length=1, max_length=len(KINDS))


class SwitchBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    on: bool


@router.post("", status_code=201)
async def post_webhook(body: WebhookBody, unit: Unit, held: Held) -> JSONResponse:
    webhook, secret = await add_webhook(body.url, body.kinds, unit, held.secret_key)
    return success(_shown(webhook) | {"secret": secret}, status=201)


@router.get("")
async def get_webhooks(unit: Unit) -> JSONResponse:
    return success([_shown(webhook) for webhook in await list_webhooks(unit)])


@router.patch("/{webhook_id}")
async def patch_webhook(webhook_id: UUID, body: SwitchBody, unit: Unit) -> JSONResponse:
    return success(_shown(await switch(webhook_id, unit, on=body.on)))


@router.delete("/{webhook_id}", status_code=204)
async def delete_webhook(webhook_id: UUID, unit: Unit) -> None:
    await drop_webhook(webhook_id, unit)


@router.get("/{webhook_id}/deliveries")
async def get_deliveries(
    webhook_id: UUID,
    unit: Unit,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20,
) -> JSONResponse:
    found = await list_deliveries(webhook_id, unit, before=before, limit=limit)
    return success([_posted(delivery) for delivery in found])


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202)
async def post_replay(webhook_id: UUID, delivery_id: UUID, unit: Unit) -> JSONResponse:
    return success(_posted(await replay(webhook_id, delivery_id, unit)), status=202)


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "url": webhook.url,
        "kinds": webhook.kinds,
        "on": webhook.on,
        "off_reason": webhook.off_reason,
        "created_at": webhook.created_at,
    }


def _posted(delivery: Delivery) -> dict[str, Any]:
    return {
        "id": delivery.id,
        "event_id": delivery.event_id,
        "kind": delivery.kind,
        "state": delivery.state,
        "tries": delivery.tries,
        "status": delivery.status,
        "fault": delivery.fault,
        "began_at": delivery.began_at,
        "done_at": delivery.done_at,
    }
