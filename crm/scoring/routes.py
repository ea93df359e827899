"""/api/leads/{lead_id}/score: a score and why it is that. /api/settings/scoring: how an organisation weighs."""

import math
from datetime import datetime
from typing import Annotated, Final, Self
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from crm.access import Needs, Person, Unit
from crm.answers import Success, shown, success
from crm.permissions import Permission
from crm.scoring.rules import Scheme, Side
from crm.scoring.scheme import read_scheme
from crm.scoring.usecases import Explained, explain, give_back, set_score, weigh
from crm.text_patterns import NO_NUL
from crm.versions import IfMatch, etag_of

# Weights are written with decimals, and 0.3 + 0.7 is not always 1.
SUM_TOLERANCE: Final = 1e-6
FieldName = Annotated[str, Field(max_length=100, pattern=NO_NUL)]
Weight = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]

router = APIRouter()


class ScoreBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    score: int = Field(ge=0, le=100)


class SchemeBody(BaseModel):
    """`title_field` and `size_field` name the custom fields that hold them; empty: whichever has a usual name."""

    model_config = ConfigDict(extra="forbid")

    profile: Weight = 0.3
    engagement: Weight = 0.7
    title_field: FieldName = ""
    size_field: FieldName = ""

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if not math.isclose(self.profile + self.engagement, 1, abs_tol=SUM_TOLERANCE):
            raise ValueError("profile and engagement must add up to 1, such as 0.3 and 0.7")
        return self


class PartJson(TypedDict):
    name: Annotated[str, Field(examples=["meeting"])]
    points: Annotated[int, Field(examples=[60])]
    reason: Annotated[str, Field(examples=["has a meeting booked, or had one"])]


class SideJson(TypedDict):
    points: int
    weight: float
    parts: list[PartJson]


class ScoreJson(TypedDict):
    """`computed` is what the rules say; `score` differs from it where somebody `set_by` hand."""

    lead_id: UUID
    score: int
    set_by: UUID | None
    set_at: datetime | None
    computed: int
    why_zero: Annotated[str, Field(examples=[""])]
    profile: SideJson
    engagement: SideJson


class SchemeJson(TypedDict):
    profile: Annotated[float, Field(examples=[0.3])]
    engagement: Annotated[float, Field(examples=[0.7])]
    title_field: str
    size_field: str


@router.get("/api/leads/{lead_id}/score")
async def get_score(lead_id: UUID, unit: Unit) -> Success[ScoreJson]:
    """The score, who set it if somebody did, and every part of what the rules say."""
    return _answer(await explain(lead_id, unit))


@router.put("/api/leads/{lead_id}/score")
async def put_score(lead_id: UUID, body: ScoreBody, person: Person, unit: Unit, read: IfMatch) -> Success[ScoreJson]:
    """Set it by hand: calls and fields change it no more."""
    return _answer(await set_score(lead_id, body.score, person.user_id, unit, read))


@router.delete("/api/leads/{lead_id}/score")
async def delete_score(lead_id: UUID, unit: Unit, read: IfMatch) -> Success[ScoreJson]:
    """Let the rules say it again."""
    return _answer(await give_back(lead_id, unit, read))


@router.get("/api/settings/scoring")
async def get_scheme(unit: Unit) -> Success[SchemeJson]:
    async with unit:
        return success(shown(SchemeJson, await read_scheme(unit)))


@router.put("/api/settings/scoring", dependencies=[Depends(Needs(Permission.SETTINGS_WRITE))])
async def put_scheme(body: SchemeBody, unit: Unit) -> Success[SchemeJson]:
    """Set the weights; all scores are worked out again by a job."""
    scheme = Scheme(**body.model_dump())
    await weigh(scheme, unit)
    return success(shown(SchemeJson, scheme))


def _answer(explained: Explained) -> Success[ScoreJson]:
    answer = success(explained_json(explained))
    answer.headers["ETag"] = etag_of(explained.lead.version)
    return answer


def explained_json(explained: Explained) -> ScoreJson:
    lead, scored, scheme = explained.lead, explained.scored, explained.scheme
    return {
        "lead_id": lead.id,
        "score": lead.score,
        "set_by": lead.score_set_by,
        "set_at": lead.score_set_at,
        "computed": scored.total,
        "why_zero": scored.why_zero,
        "profile": _side_json(scored.profile, scheme.profile),
        "engagement": _side_json(scored.engagement, scheme.engagement),
    }


def _side_json(side: Side, weight: float) -> SideJson:
    return {"points": side.points, "weight": weight, "parts": [shown(PartJson, part) for part in side.parts]}
