"""/api/organisation: what holds for all calls of one's organisation."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from crm.access import Needs, Unit
from crm.answers import success
from crm.identity.fields import Domain, OrganisationName
from crm.identity.model import Organisation
from crm.identity.organisation import OrganisationChanges, change_organisation, read_organisation
from crm.permissions import Permission
from events.plan import RecordWhen, Sensitivity

router = APIRouter()


class OrganisationBody(BaseModel):
    """What is left out stays as it is; a name that is not known is refused, for it changes nothing."""

    model_config = ConfigDict(extra="forbid")

    name: OrganisationName | None = None
    domain: Domain | None = None
    sensitivity: Sensitivity | None = None
    record_when: RecordWhen | None = None


@router.get("/api/organisation")
async def get_organisation(unit: Unit) -> JSONResponse:
    return success(_shown(await read_organisation(unit)))


@router.patch("/api/organisation", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def patch_organisation(body: OrganisationBody, unit: Unit) -> JSONResponse:
    changes = OrganisationChanges(body.name, body.domain, body.sensitivity, body.record_when)
    return success(_shown(await change_organisation(changes, unit)))


def _shown(organisation: Organisation) -> dict[str, Any]:
    return {
        "id": organisation.id,
        "name": organisation.name,
        "slug": organisation.slug,
        "domain": organisation.domain,
        "sensitivity": organisation.sensitivity,
        "record_when": organisation.record_when,
    }
