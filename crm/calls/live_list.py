"""All calls of an organisation that go on now, as a list of live calls shows them."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on

# The standard library's is understood by pydantic from Python 3.12 on.
from typing_extensions import TypedDict

from crm.calls.model import Call, CallEvent, Direction, Turn
from crm.calls.store import among
from crm.leads.model import Lead
from crm.unit_of_work import UnitOfWork
from events.call import TERMINAL

CALLS_MAX: Final = 200  # the newest; no person watches more
QUALITY_KIND: Final = "leg.quality"
PROSPECT_LEG: Final = "prospect"  # as events.call.LegQuality names it


class LiveCallJson(TypedDict):
    call_id: UUID
    lead_id: UUID
    lead_name: str
    company: str
    number: str
    direction: Direction
    agent: str
    state: str
    node: str
    answered_at: datetime | None
    created_at: datetime
    mood: str | None  # of the prospect's last utterance that was judged
    sentiment: float | None
    angry: bool
    unstable: bool  # the prospect's connection
    jitter_ms: int | None


async def list_live(unit: UnitOfWork) -> list[LiveCallJson]:
    """Return the calls that are not over, newest first."""
    async with unit:
        found = await _calls(unit)
        ids = [call.id for call, _ in found]
        moods, qualities = await _moods(ids, unit), await _qualities(ids, unit)
    return [_shown(call, lead, moods.get(call.id), qualities.get(call.id)) for call, lead in found]


async def _calls(unit: UnitOfWork) -> Sequence[tuple[Call, Lead]]:
    statement = (
        select(Call, Lead)
        .join(Lead, (Lead.org_id == Call.org_id) & (Lead.id == Call.lead_id))
        .where(Call.org_id == unit.org_id, Call.ended_at.is_(None), ~Call.closed)
        .where(Call.state.not_in([state.value for state in TERMINAL]))
        .order_by(Call.created_at.desc(), Call.id.desc())
        .limit(CALLS_MAX)
    )
    return [(row[0], row[1]) for row in await unit.session.execute(statement)]


async def _moods(ids: Sequence[UUID], unit: UnitOfWork) -> Mapping[UUID, Turn]:
    statement = (
        select(Turn)
        .ext(distinct_on(Turn.call_id))
        .where(Turn.org_id == unit.org_id, among(Turn.call_id, ids), Turn.mood.is_not(None))
        .order_by(Turn.call_id, Turn.epoch.desc(), Turn.turn.desc())
    )
    return {turn.call_id: turn for turn in await unit.session.scalars(statement)}


async def _qualities(ids: Sequence[UUID], unit: UnitOfWork) -> Mapping[UUID, Mapping[str, Any]]:
    """Return the newest word on each prospect's connection."""
    statement = (
        select(CallEvent.call_id, CallEvent.body)
        .ext(distinct_on(CallEvent.call_id))
        .where(CallEvent.org_id == unit.org_id, among(CallEvent.call_id, ids), CallEvent.kind == QUALITY_KIND)
        .where(CallEvent.body["leg"].as_string() == PROSPECT_LEG)
        .order_by(CallEvent.call_id, CallEvent.epoch.desc(), CallEvent.seq.desc())
    )
    return {row[0]: row[1] for row in await unit.session.execute(statement)}


def _shown(call: Call, lead: Lead, judged: Turn | None, quality: Mapping[str, Any] | None) -> LiveCallJson:
    return {
        "call_id": call.id,
        "lead_id": call.lead_id,
        "lead_name": lead.name,
        "company": lead.company,
        "number": call.number,
        "direction": Direction(call.direction),
        "agent": str((call.agent or {}).get("name", "")),
        "state": call.state,
        "node": call.node,
        "answered_at": call.answered_at,
        "created_at": call.created_at,
        "mood": judged.mood if judged is not None else None,
        "sentiment": judged.sentiment if judged is not None else None,
        "angry": call.angry_at is not None,
        "unstable": quality is not None and not quality["stable"],
        "jitter_ms": quality["jitter_ms"] if quality is not None else None,
    }
