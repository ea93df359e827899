"""/api/providers: an organisation's own keys for providers of models."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from crm.access import Held, Person, Unit
from crm.answers import success
from crm.providers.model import ProviderKey
from crm.providers.usecases import KEY_CHARS_MAX, KEY_CHARS_MIN, drop_key, list_keys, save_key

router = APIRouter()


class KeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    key: SecretStr = Field(min_length=KEY_CHARS_MIN, max_length=KEY_CHARS_MAX)


@router.get("/api/providers")
async def get_keys(unit: Unit) -> JSONResponse:
    return success([_shown(key) for key in await list_keys(unit)])


@router.put("/api/providers/{vendor}")
async def put_key(vendor: str, body: KeyBody, person: Person, unit: Unit, held: Held) -> JSONResponse:
    key = body.key.get_secret_value()
    saved = await save_key(vendor, key, person, unit, check=held.key_check, secret_key=held.secret_key)
    return success(_shown(saved))


@router.delete("/api/providers/{vendor}", status_code=204)
async def delete_key(vendor: str, person: Person, unit: Unit) -> None:
    await drop_key(vendor, person, unit)


def _shown(key: ProviderKey) -> dict[str, Any]:
    return {"provider": key.vendor, "hint": key.hint, "checked_at": key.checked_at}
