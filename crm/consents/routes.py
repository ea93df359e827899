"""/api/leads/{id}/consents: what a person said about being reached, with its proof."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import AwareDatetime, BaseModel, ConfigDict, StringConstraints
from typing_extensions import TypedDict

from crm.access import Needs, Person, Unit
from crm.answers import Success, shown, success
from crm.consents.model import Channel, Consent, Said
from crm.consents.usecases import Proof, record, standing_of
from crm.idempotency.writes import Attempted, once
from crm.permissions import Permission
from crm.text_patterns import NO_NUL

router = APIRouter(prefix="/api/leads/{lead_id}")

Source = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_NUL)]
Evidence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2_000, pattern=NO_NUL)]


class ProofBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    channel: Channel
    source: Source
    evidence: Evidence
    said_at: AwareDatetime | None = None

    def proof(self) -> Proof:
        return Proof(self.channel, self.source, self.evidence, self.said_at)


class ConsentJson(TypedDict):
    id: UUID
    channel: Channel
    address: str
    said: Said
    said_at: datetime
    source: str
    evidence: str
    lead_id: UUID | None
    call_id: UUID | None
    recorded_by: UUID | None
    created_at: datetime


class StandingJson(TypedDict):
    """`current` has the channels that the lead has an address for; null: nothing was said."""

    current: dict[Channel, Said | None]
    history: list[ConsentJson]


@router.get("/consents")
async def get_consents(lead_id: UUID, unit: Unit) -> Success[StandingJson]:
    standing = await standing_of(lead_id, unit)
    return success({"current": dict(standing.current), "history": [consent_json(word) for word in standing.history]})


@router.post("/refusals", status_code=201)
async def post_refusal(
    lead_id: UUID, body: ProofBody, person: Person, unit: Unit, attempt: Attempted
) -> Success[ConsentJson]:
    made = await once(
        unit, attempt, lambda part: record(lead_id, Said.REFUSED, body.proof(), person, part), consent_json
    )
    return success(made, status=201)


@router.post("/grants", status_code=201, dependencies=[Depends(Needs(Permission.CONSENTS_GRANT))])
async def post_grant(
    lead_id: UUID, body: ProofBody, person: Person, unit: Unit, attempt: Attempted
) -> Success[ConsentJson]:
    made = await once(
        unit, attempt, lambda part: record(lead_id, Said.GRANTED, body.proof(), person, part), consent_json
    )
    return success(made, status=201)


def consent_json(word: Consent) -> ConsentJson:
    return shown(ConsentJson, word)
