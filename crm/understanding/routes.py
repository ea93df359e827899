"""/api/calls/…/objections and /notes, /api/objections: what was understood of calls."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from typing_extensions import TypedDict

from crm.access import Person, Unit
from crm.answers import Success, success
from crm.idempotency.writes import Attempted, once
from crm.text_patterns import NO_NUL
from crm.understanding import usecases
from crm.understanding.fields import FIELDS_MAX, SUMMARY_CHARS_MAX
from crm.understanding.shown import CallNotesJson, ObjectionJson, notes_json, objection_json
from events.call import Outcome
from events.understanding import NO_OBJECTION, ObjectionKind

DAYS_MAX: Final = 366
QUOTE_CHARS_MAX: Final = 300
_KINDS: Final = "|".join((*ObjectionKind, NO_OBJECTION))

router = APIRouter()


class CorrectionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: str = Field(pattern=f"^({_KINDS})$")


class ObjectionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    turn_id: UUID
    kind: ObjectionKind
    quote: str = Field(min_length=1, max_length=QUOTE_CHARS_MAX, pattern=NO_NUL)


class NotesBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    summary: str = Field(min_length=1, max_length=SUMMARY_CHARS_MAX, pattern=NO_NUL)
    fields: dict[str, JsonValue] = Field({}, max_length=FIELDS_MAX)


class LostKindJson(TypedDict):
    kind: ObjectionKind
    calls: int
    quotes: list[str]


class LostJson(TypedDict):
    """What was objected to in calls of `days` that ended in one of `outcomes`."""

    days: int
    outcomes: list[Outcome]
    objections: list[LostKindJson]


@router.get("/api/objections/lost")
async def get_lost(unit: Unit, days: Annotated[int, Query(ge=1, le=DAYS_MAX)] = 30) -> Success[LostJson]:
    counts = await usecases.lost_by(days, unit)
    told: list[LostKindJson] = [
        {"kind": ObjectionKind(one.kind), "calls": one.calls, "quotes": list(one.quotes)} for one in counts
    ]
    return success({"days": days, "outcomes": [Outcome(name) for name in usecases.LOST], "objections": told})


@router.put("/api/objections/{objection_id}")
async def put_objection(objection_id: UUID, body: CorrectionBody, person: Person, unit: Unit) -> Success[ObjectionJson]:
    return success(objection_json(await usecases.correct(objection_id, body.kind, person, unit)))


@router.get("/api/calls/{call_id}/objections")
async def get_objections(call_id: UUID, unit: Unit) -> Success[list[ObjectionJson]]:
    return success([objection_json(one) for one in await usecases.objections_of(call_id, unit)])


@router.post("/api/calls/{call_id}/objections", status_code=201)
async def post_objection(
    call_id: UUID, body: ObjectionBody, person: Person, unit: Unit, attempt: Attempted
) -> Success[ObjectionJson]:
    asked = (call_id, body.turn_id, body.kind.value, body.quote, person)
    made = await once(unit, attempt, lambda part: usecases.add_missed(*asked, part), objection_json)
    return success(made, status=201)


@router.get("/api/calls/{call_id}/notes")
async def get_notes(call_id: UUID, unit: Unit) -> Success[CallNotesJson]:
    return success(notes_json(await usecases.read_call_notes(call_id, unit)))


@router.put("/api/calls/{call_id}/notes")
async def put_notes(call_id: UUID, body: NotesBody, person: Person, unit: Unit) -> Success[CallNotesJson]:
    values: dict[str, Any] = body.fields
    return success(notes_json(await usecases.write_notes(call_id, body.summary, values, person, unit)))


@router.post("/api/calls/{call_id}/notes/retry", status_code=202)
async def post_retry(call_id: UUID, unit: Unit) -> Success[CallNotesJson]:
    return success(notes_json(await usecases.try_again(call_id, unit)), status=202)
