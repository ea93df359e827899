"""/api/webhooks: where an organisation's events are posted to, what was posted, and posting it again."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, shown, success
from crm.permissions import Permission
from crm.webhooks.addresses import URL_CHARS_MAX, check_url
from crm.webhooks.delivering import KINDS
from crm.webhooks.usecases import add_webhook, drop_webhook, list_deliveries, list_webhooks, replay, switch

LIMIT_MAX: Final = 100
EventKind = Literal[
    "call.finished",
    "conversation.assigned",
    "credits.low",
    "import.finished",
    "lead.changed",
    "lead.created",
    "message.created",
    "message.failed",
    "message.sent",
]

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


class WebhookJson(TypedDict):
    id: UUID
    url: str
    kinds: Annotated[list[str], Field(examples=[["lead.created"]])]
    on: bool
    off_reason: str
    held_until: Annotated[datetime | None, Field(description="its server hangs: nothing is posted before then")]
    created_at: datetime


class NewWebhookJson(WebhookJson):
    """With the secret that signs, which is shown this once."""

    secret: Annotated[str, Field(examples=["whsec_…"])]


class DeliveryJson(TypedDict):
    """`status` is that of the last answer; null while there was none."""

    id: UUID
    event_id: UUID
    kind: Annotated[str, Field(examples=["lead.created"])]
    state: Literal["waiting", "delivered", "failed"]
    tries: int
    status: Annotated[int | None, Field(examples=[200])]
    fault: str
    began_at: datetime
    done_at: datetime | None


@router.post("", status_code=201)
async def post_webhook(body: WebhookBody, unit: Unit, held: Held) -> Success[NewWebhookJson]:
    webhook, secret = await add_webhook(body.url, body.kinds, unit, held.secret_key)
    return success(NewWebhookJson(**shown(WebhookJson, webhook), secret=secret), status=201)


@router.get("")
async def get_webhooks(unit: Unit) -> Success[list[WebhookJson]]:
    return success([shown(WebhookJson, webhook) for webhook in await list_webhooks(unit)])


@router.patch("/{webhook_id}")
async def patch_webhook(webhook_id: UUID, body: SwitchBody, unit: Unit) -> Success[WebhookJson]:
    return success(shown(WebhookJson, await switch(webhook_id, unit, on=body.on)))


@router.delete("/{webhook_id}", status_code=204)
async def delete_webhook(webhook_id: UUID, unit: Unit) -> None:
    await drop_webhook(webhook_id, unit)


@router.get("/{webhook_id}/deliveries")
async def get_deliveries(
    webhook_id: UUID,
    unit: Unit,
    before: UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20,
) -> Success[list[DeliveryJson]]:
    found = await list_deliveries(webhook_id, unit, before=before, limit=limit)
    return success([shown(DeliveryJson, delivery) for delivery in found])


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202)
async def post_replay(webhook_id: UUID, delivery_id: UUID, unit: Unit) -> Success[DeliveryJson]:
    return success(shown(DeliveryJson, await replay(webhook_id, delivery_id, unit)), status=202)
