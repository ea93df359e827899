"""/api/organisation: what holds for all calls of one's organisation."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Success, shown, success
from crm.identity.fields import Domain, OrganisationName
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


class OrganisationJson(TypedDict):
    id: UUID
    name: Annotated[str, Field(examples=["Bakery"])]
    slug: Annotated[str, Field(examples=["bakery"])]
    domain: Annotated[str, Field(examples=["bakery.example"])]
    sensitivity: Sensitivity
    record_when: RecordWhen


@router.get("/api/organisation")
async def get_organisation(unit: Unit) -> Success[OrganisationJson]:
    return success(shown(OrganisationJson, await read_organisation(unit)))


@router.patch("/api/organisation", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def patch_organisation(body: OrganisationBody, unit: Unit) -> Success[OrganisationJson]:
    changes = OrganisationChanges(body.name, body.domain, body.sensitivity, body.record_when)
    return success(shown(OrganisationJson, await change_organisation(changes, unit)))
