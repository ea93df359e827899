"""/api/keys: the organisation's API keys."""

from datetime import datetime, timedelta
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Needs, Person, Unit
from crm.answers import Following, Success, followed_by, success
from crm.database import utc_now
from crm.keys.model import ApiKey
from crm.keys.scopes import SCOPES
from crm.keys.usecases import add_key, is_active, list_keys, revoke_key, rotate_key
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.permissions import Permission
from crm.text_patterns import NO_NUL

OVERLAP_S_MAX: Final = 7 * 24 * 3600
LIMIT_MAX: Final = 100

router = APIRouter(prefix="/api/keys", dependencies=[Depends(Needs(Permission.KEYS_WRITE))])


def _scope(name: str) -> str:
    if name not in SCOPES:
        raise ValueError(f"must be one of {', '.join(sorted(SCOPES))}")
    return name


def _to_come(at: datetime) -> datetime:
    if at <= utc_now():
        raise ValueError("must be a moment to come")
    return at


class KeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100, pattern=NO_NUL)
    scopes: list[Annotated[str, Field(max_length=40), AfterValidator(_scope)]] = Field(
        min_length=1, max_length=len(SCOPES)
    )
    expires_at: Annotated[AwareDatetime, AfterValidator(_to_come)] | None = None  # None: works until it is revoked


class RotateBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    overlap_s: int = Field(0, ge=0, le=OVERLAP_S_MAX)  # for so long the old one works beside the new one


class KeyJson(TypedDict):
    id: UUID
    name: Annotated[str, Field(examples=["till"])]
    prefix: str
    scopes: Annotated[list[str], Field(examples=[["leads:read"]])]
    active: bool
    made_by: UUID
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None
    revoked_why: str


class NewKeyJson(KeyJson):
    """With the key itself, which is shown this once."""

    key: str


@router.post("", status_code=201)
async def post_key(body: KeyBody, person: Person, unit: Unit) -> Success[NewKeyJson]:
    key, text = await add_key(body.name, body.scopes, body.expires_at, person, unit)
    return success(NewKeyJson(**_shown(key), key=text), status=201)


@router.get("")
async def get_keys(
    unit: Unit,
    cursor: Annotated[str, Query(max_length=CURSOR_CHARS_MAX)] = "",
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = 20,
) -> Following[KeyJson]:
    found, following = await list_keys(cursor, limit, unit)
    return success([_shown(key) for key in found], pagination=followed_by(following, limit))


@router.post("/{key_id}/rotate", status_code=201)
async def post_rotate(key_id: UUID, body: RotateBody, person: Person, unit: Unit) -> Success[NewKeyJson]:
    key, text = await rotate_key(key_id, timedelta(seconds=body.overlap_s), person, unit)
    return success(NewKeyJson(**_shown(key), key=text), status=201)


@router.delete("/{key_id}")
async def delete_key(key_id: UUID, unit: Unit) -> Success[KeyJson]:
    return success(_shown(await revoke_key(key_id, "by_person", unit)))


def _shown(key: ApiKey) -> KeyJson:
    return {
        "id": key.id,
        "name": key.name,
        "prefix": key.prefix,
        "scopes": key.scopes,
        "active": is_active(key, utc_now()),
        "made_by": key.made_by,
        "created_at": key.created_at,
        "expires_at": key.expires_at,
        "last_used_at": key.last_used_at,
        "revoked_at": key.revoked_at,
        "revoked_why": key.revoked_why,
    }
