"""/api/me: the person who is signed in."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from crm.access import Person, Unit
from crm.answers import success
from crm.identity.me import read_me

router = APIRouter(prefix="/api/me")


@router.get("")
async def get_me(person: Person, unit: Unit) -> JSONResponse:
    me = await read_me(person, unit)
    return success(
        {
            "user_id": me.user.id,
            "email": me.user.email,
            "full_name": me.user.full_name,
            "organisation_id": person.org_id,
            "role": person.role,
            # Those to switch to: POST /api/sessions/refresh with one's id.
            "organisations": [
                {"id": organisation.id, "name": organisation.name, "role": role}
                for organisation, role in me.organisations
            ],
        }
    )
