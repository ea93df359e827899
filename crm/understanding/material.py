"""What notes are written from: a call's transcript, what it established, and which model is to read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from agent.llm.call_notes import Line, notes_request
from agent.llm.port import Request
from agent.llm.registry import SCRIPTED
from crm.agents.store import AgentStore
from crm.calls.model import Call, Turn
from crm.calls.store import CallStore
from crm.identity.model import Organisation
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.providers.usecases import KeyBlocked, OwnKeys, keys_for
from crm.understanding.fields import DEFAULT, BadFields, Field, json_schema, read_fields
from crm.understanding.model import Objection
from crm.understanding.store import NoteStore, ObjectionStore
from crm.understanding.writing import unusable
from crm.unit_of_work import UnitOfWork
from events.call import FactKind, Speaker
from events.understanding import NO_OBJECTION

_AGREED: Final = frozenset({FactKind.MEETING_BOOKED.value, FactKind.CALLBACK_REQUESTED.value})


@dataclass(frozen=True, slots=True)
class Material:
    request: Request
    fields: tuple[Field, ...]
    models: tuple[str, ...]  # in the order in which they are asked
    playbook: str
    keys: OwnKeys | None  # None: the organisation's own key is refused, and no other may be used


async def read_material(call_id: UUID, unit: UnitOfWork, operators: Sequence[str]) -> Material | None:
    """Return what a call's notes are written from; None where there is nothing to write, and nothing will be."""
    async with unit:
        store = NoteStore(unit)
        call, notes = await CallStore(unit).get(call_id), await store.get(call_id)
        turns = await store.said(call_id)
        gone = call is None or call.content_erased_at is not None or notes is None or unusable(notes)
        if gone or not any(turn.speaker == Speaker.CALLER.value and turn.text for turn in turns):
            await store.dismiss_worker(call_id)
            await unit.commit()
            return None
        assert call is not None, "it is not gone"
        lead = await LeadStore(unit).get(call.lead_id)
        assert lead is not None, "a call's lead outlives it"
        organisation = await unit.session.get_one(Organisation, unit.org_id)
        agent = await AgentStore(unit).get(call.agent_id)
        fields = _fields(agent.extract if agent is not None else None)
        record = call.agent or {}
        models = models_for(str(record.get("model", "")), operators)
        facts = await store.facts(call_id)
        told = _established(call, lead, organisation, facts, await ObjectionStore(unit).of_call(call_id))
        language = str(record.get("language", "") or "en-US")
        try:
            keys = await keys_for(unit, models)
        except KeyBlocked:
            keys = None
        return Material(
            notes_request(_lines(turns), json_schema(fields), told, language),
            fields,
            models,
            str(record.get("playbook", "") or (agent.playbook if agent is not None else "")),
            keys,
        )


def models_for(own: str, operators: Sequence[str]) -> tuple[str, ...]:
    """Return the models in the order in which they are asked: the agent's own, then the operator's."""
    if own == SCRIPTED:
        return (SCRIPTED,)
    return tuple(dict.fromkeys((own, *operators) if own else operators))


def _fields(saved: Sequence[Mapping[str, Any]] | None) -> tuple[Field, ...]:
    try:
        return read_fields(saved)
    except BadFields:  # checked when it was saved; by an older release perhaps
        return DEFAULT


def _lines(turns: Sequence[Turn]) -> list[Line]:
    """What was heard counts: what the agent meant and nobody heard was not said."""
    said = ((turn.speaker, turn.heard_text if turn.speaker == Speaker.AGENT.value else turn.text) for turn in turns)
    return [Line(speaker, text) for speaker, text in said if text and text.strip()]


def _established(
    call: Call,
    lead: Lead,
    organisation: Organisation,
    facts: Sequence[Mapping[str, Any]],
    objections: Sequence[Objection],
) -> dict[str, str]:
    agreed = [fact for fact in facts if fact.get("kind") in _AGREED]
    kinds = dict.fromkeys(one.corrected_kind or one.kind for one in objections)
    return {
        "agent_name": str((call.agent or {}).get("name", "")),
        "org_name": organisation.name,
        "prospect_name": "" if lead.name == lead.phone else lead.name,
        "outcome": call.outcome or "",
        "when": str(agreed[-1].get("when", "")) if agreed else "",
        "next_step": lead.next_step if agreed else "",
        "objections": ", ".join(kind for kind in kinds if kind != NO_OBJECTION),
    }
