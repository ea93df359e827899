"""/api/sign-ups, /api/organisations, /internal/organisations: founding organisations."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Person, internal_caller
from crm.answers import Success, shown, success
from crm.identity.fields import Email, OrganisationName
from crm.mail.links import address_of, sign
from crm.sign_up.usecases import SignUpClosed, found_for, found_mine, list_organisations, sign_up

AT_ONCE: Final = 50

router = APIRouter()


class OrganisationBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: OrganisationName


class SignUpBody(OrganisationBody):
    """`email` is the first admin's: a letter with a link goes there."""

    email: Email


class FoundedJson(TypedDict):
    id: UUID
    name: Annotated[str, Field(examples=["Bakery"])]
    slug: Annotated[str, Field(examples=["bakery"])]


@router.post("/api/sign-ups", status_code=202)
async def post_sign_up(body: SignUpBody, held: Held) -> Success[None]:
    _check_open(held.sign_up_open)
    await sign_up(body.name, body.email, held.tariff.plans, held.sessions, held.gate.counts, held.secret_key)
    return success(None, status=202, message="A letter with a link is on its way")


@router.post("/api/organisations", status_code=201)
async def post_organisation(body: OrganisationBody, person: Person, held: Held) -> Success[FoundedJson]:
    _check_open(held.sign_up_open)
    organisation = await found_mine(body.name, person, held.sessions)
    return success(shown(FoundedJson, organisation), status=201)


@router.post(
    "/internal/organisations", status_code=201, include_in_schema=False, dependencies=[Depends(internal_caller)]
)
async def post_operators(body: SignUpBody, held: Held) -> JSONResponse:
    founded = await found_for(body.name, body.email, held.tariff.plans, held.sessions)
    link = founded.link
    token = sign(link.purpose, link.claims, int(link.expires_at.timestamp()), held.secret_key)
    told = {"id": founded.org_id, "link": address_of(held.site_url, link.path, token), "expires_at": link.expires_at}
    return success(told, status=201)


@router.get("/internal/organisations", include_in_schema=False, dependencies=[Depends(internal_caller)])
async def get_operators(
    held: Held, after: UUID | None = None, limit: Annotated[int, Query(ge=1, le=AT_ONCE)] = AT_ONCE
) -> JSONResponse:
    """List organisations; `next` is given back as `after`, null behind the last."""
    found, following = await list_organisations(held.sessions, after, limit)
    listed = [
        {"id": one.org_id, "name": one.name, "slug": one.slug, "members": one.members, "created_at": one.created_at}
        for one in found
    ]
    return success({"organisations": listed, "next": following})


def _check_open(is_open: bool) -> None:
    if not is_open:
        raise SignUpClosed
