"""/api/passwords: what is taken, changing one's own, and setting a new one by mail. /api/unlocks: after too many."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from crm.access import Held, Person
from crm.answers import Success, success
from crm.identity.fields import Email, LinkToken, NewPassword
from crm.identity.password_rules import judge
from crm.identity.passwords import Change, UnmetJson, ask_for_reset, change_password, reset_password, unmet_json
from crm.identity.usecases import PASSWORD_CHARS_MAX, unlock
from crm.text_patterns import NO_NUL

router = APIRouter()

About = Annotated[str, Field(max_length=254, pattern=NO_NUL)]


class JudgeBody(BaseModel):
    """A password somebody thinks of, and what others know of them: it may not be in it."""

    model_config = ConfigDict(extra="forbid")

    password: str = Field(max_length=1_000)
    about: list[About] = Field([], max_length=5)


class ChangeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    current: str = Field(min_length=1, max_length=PASSWORD_CHARS_MAX)
    new: NewPassword


class AskBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    email: Email


class ResetBody(BaseModel):
    """The `token` of the link in the letter."""

    model_config = ConfigDict(extra="forbid")

    token: LinkToken
    new: NewPassword


class UnlockBody(BaseModel):
    """The `token` of the link in the letter."""

    model_config = ConfigDict(extra="forbid")

    token: LinkToken


class JudgementJson(TypedDict):
    """`bits` is estimated; `strength` goes from 0 to 4."""

    unmet: list[UnmetJson]
    bits: float
    strength: int


@router.post("/api/passwords/judge")
async def post_judge(body: JudgeBody) -> Success[JudgementJson]:
    judgement = judge(body.password, body.about)
    unmet = unmet_json(judgement.unmet)
    return success({"unmet": unmet, "bits": judgement.bits, "strength": judgement.strength})


@router.put("/api/me/password", status_code=204)
async def put_password(body: ChangeBody, person: Person, held: Held) -> None:
    most = held.sign_in_failures_max
    word = Change(body.current, body.new)
    await change_password(person, word, held.sessions, held.standings, held.secret_key, most)


@router.post("/api/passwords/resets", status_code=202)
async def post_reset(body: AskBody, held: Held) -> Success[None]:
    await ask_for_reset(body.email, held.sessions)
    message = "If somebody has this address, a letter with a link is on its way"
    return success(None, status=202, message=message)


@router.post("/api/passwords/resets/redeem", status_code=204)
async def post_redeem(body: ResetBody, held: Held) -> None:
    await reset_password(body.token, body.new, held.sessions, held.standings, held.secret_key)


@router.post("/api/unlocks", status_code=204)
async def post_unlock(body: UnlockBody, held: Held) -> None:
    await unlock(body.token, held.sessions, held.secret_key)
