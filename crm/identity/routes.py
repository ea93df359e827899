"""POST /api/sessions: signing in. /api/organisation: what holds for all calls of one's organisation."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from crm.access import Held, Needs, Unit
from crm.answers import success
from crm.identity.model import Organisation
from crm.identity.organisation import CallSettings, change_settings, read_organisation
from crm.identity.tokens import LIFETIME_S
from crm.identity.usecases import PASSWORD_CHARS_MAX, sign_in
from crm.permissions import Permission
from events.plan import RecordWhen, Sensitivity

router = APIRouter()


class Credentials(BaseModel):
    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=1, max_length=PASSWORD_CHARS_MAX)


@router.post("/api/sessions", status_code=201)
async def post_session(body: Credentials, held: Held) -> JSONResponse:
    token = await sign_in(body.email, body.password, held.sessions, held.secret_key)
    return success({"token": token, "expires_in_s": LIFETIME_S}, status=201)


class OrganisationBody(BaseModel):
    """What is left out stays as it is; a name that is not known is refused, for it changes nothing."""

    model_config = ConfigDict(extra="forbid")

    sensitivity: Sensitivity | None = None
    record_when: RecordWhen | None = None


@router.get("/api/organisation")
async def get_organisation(unit: Unit) -> JSONResponse:
    return success(_shown(await read_organisation(unit)))


@router.patch("/api/organisation", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def patch_organisation(body: OrganisationBody, unit: Unit) -> JSONResponse:
    changes = CallSettings(body.sensitivity, body.record_when)
    return success(_shown(await change_settings(changes, unit)))


def _shown(organisation: Organisation) -> dict[str, Any]:
    return {
        "id": organisation.id,
        "name": organisation.name,
        "sensitivity": organisation.sensitivity,
        "record_when": organisation.record_when,
    }
