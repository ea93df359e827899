"""/api/sign-ups, /api/organisations, /internal/organisations: founding organisations."""

from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from crm.access import Held, Person, internal_caller
from crm.answers import success
from crm.identity.fields import Email, OrganisationName
from crm.sign_up.usecases import SignUpClosed, found_for, found_mine, sign_up

router = APIRouter()


class OrganisationBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: OrganisationName


class SignUpBody(OrganisationBody):
    """`email` is the first admin's: a letter with a link goes there."""

    email: Email


@router.post("/api/sign-ups", status_code=202)
async def post_sign_up(body: SignUpBody, held: Held) -> JSONResponse:
    _check_open(held.sign_up_open)
    await sign_up(body.name, body.email, held.tariff.plans, held.sessions, held.gate.counts, held.secret_key)
    return success(None, status=202, message="A letter with a link is on its way")


@router.post("/api/organisations", status_code=201)
async def post_organisation(body: OrganisationBody, person: Person, held: Held) -> JSONResponse:
    _check_open(held.sign_up_open)
    organisation = await found_mine(body.name, person, held.sessions)
    made: dict[str, Any] = {"id": organisation.id, "name": organisation.name, "slug": organisation.slug}
    return success(made, status=201)


@router.post(
    "/internal/organisations", status_code=201, include_in_schema=False, dependencies=[Depends(internal_caller)]
)
async def post_operators(body: SignUpBody, held: Held) -> JSONResponse:
    return success({"id": await found_for(body.name, body.email, held.tariff.plans, held.sessions)}, status=201)


def _check_open(is_open: bool) -> None:
    if not is_open:
        raise SignUpClosed
