"""/api/providers: an organisation's own keys for providers of models and of speech."""

from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, success
from crm.permissions import Permission
from crm.providers.model import BLOCK, OPERATOR_KEY, ProviderKey
from crm.providers.usecases import (
    KEY_CHARS_MAX,
    KEY_CHARS_MIN,
    check_again,
    choose_when_refused,
    drop_key,
    list_keys,
    save_key,
)

router = APIRouter()
WRITES: Final = Depends(Needs(Permission.PROVIDERS_WRITE))

_VISIBLE: Final = frozenset(map(chr, range(0x21, 0x7F)))


def _fits_a_header(key: SecretStr) -> SecretStr:
    """A vendor is shown it in a header: anything else would look like a vendor that does not answer."""
    if not set(key.get_secret_value()) <= _VISIBLE:
        raise ValueError("must be letters, digits and signs of ASCII, without blanks")
    return key


Key = Annotated[SecretStr, Field(min_length=KEY_CHARS_MIN, max_length=KEY_CHARS_MAX), AfterValidator(_fits_a_header)]
WhenRefused = Literal["operator_key", "block"]


class KeyBody(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    key: Key
    when_refused: WhenRefused = OPERATOR_KEY


class ChoiceBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    when_refused: WhenRefused


class KeyJson(TypedDict):
    provider: Annotated[str, Field(examples=["openai"])]
    hint: Annotated[str, Field(examples=["…7f3a"])]
    checked_at: datetime
    when_refused: WhenRefused
    refused_at: datetime | None


@router.get("/api/providers")
async def get_keys(unit: Unit) -> Success[list[KeyJson]]:
    return success([_shown(key) for key in await list_keys(unit)])


@router.put("/api/providers/{vendor}", dependencies=[WRITES])
async def put_key(vendor: str, body: KeyBody, unit: Unit, held: Held) -> Success[KeyJson]:
    key = body.key.get_secret_value()
    saved = await save_key(
        vendor, key, unit, check=held.key_check, secret_key=held.secret_key, when_refused=body.when_refused
    )
    return success(_shown(saved))


@router.patch("/api/providers/{vendor}", dependencies=[WRITES])
async def patch_choice(vendor: str, body: ChoiceBody, unit: Unit) -> Success[KeyJson]:
    return success(_shown(await choose_when_refused(vendor, body.when_refused, unit)))


@router.post("/api/providers/{vendor}/check", dependencies=[WRITES])
async def post_check(vendor: str, unit: Unit, held: Held) -> Success[KeyJson]:
    kept = await check_again(vendor, unit, check=held.key_check, secret_key=held.secret_key)
    return success(_shown(kept))


@router.delete("/api/providers/{vendor}", status_code=204, dependencies=[WRITES])
async def delete_key(vendor: str, unit: Unit) -> None:
    await drop_key(vendor, unit)


def _shown(key: ProviderKey) -> KeyJson:
    return {
        "provider": key.vendor,
        "hint": key.hint,
        "checked_at": key.checked_at,
        "when_refused": BLOCK if key.when_refused == BLOCK else OPERATOR_KEY,
        "refused_at": key.refused_at,
    }
