"""POST /api/sessions: signing in."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from crm.access import Held
from crm.answers import success
from crm.identity.tokens import LIFETIME_S
from crm.identity.usecases import PASSWORD_CHARS_MAX, sign_in

router = APIRouter()


class Credentials(BaseModel):
    email: str = Field(min_length=3, max_length=254)
    password: str = Field(min_length=1, max_length=PASSWORD_CHARS_MAX)


@router.post("/api/sessions", status_code=201)
async def post_session(body: Credentials, held: Held) -> JSONResponse:
    token = await sign_in(body.email, body.password, held.sessions, held.secret_key)
    return success({"token": token, "expires_in_s": LIFETIME_S}, status=201)
