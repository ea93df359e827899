"""/api/leads/{id}/dial: a person calls a lead, to talk in the agent's place."""

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from crm.access import Held
from crm.answers import Success
from crm.calls.dial import DialRequest
from crm.calls.routes import NOT_TAKEN_YET, call_answer
from crm.calls.shown import PlacedJson
from crm.idempotency.keys import Attempt, fingerprint_of
from crm.idempotency.writes import Key
from crm.people_on_calls.routes import Joiner

router = APIRouter(prefix="/api/leads/{lead_id}/dial")


class DialBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    agent_id: Annotated[
        UUID | None, Field(description="Who takes the call when the person is not there; the oldest agent unless given")
    ] = None


NOBODY_NAMED: Final = DialBody()


@router.post("", status_code=201, responses=NOT_TAKEN_YET)
async def post_dial(
    lead_id: UUID, person: Joiner, held: Held, body: DialBody = NOBODY_NAMED, idempotency_key: Key = None
) -> Success[PlacedJson]:
    """Call a lead to talk oneself: come to the call by its ticket while it rings."""
    attempt = None
    if idempotency_key is not None:
        # With who asks: another member's call is another call.
        asked = body.model_dump() | {"dial": lead_id, "held_by": person.user_id}
        attempt = Attempt(idempotency_key, fingerprint_of(asked))
    request = DialRequest(lead_id, None, body.agent_id, attempt, person.user_id)
    return call_answer(await held.dialler.dial(request, person.org_id))
