"""What can be voted on, read from the call that it belongs to: what the model was given, and what it made of that.

The words are the call's, and stay with it: erased there, they are gone here too.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import msgspec

from crm.calls.model import Call, Turn
from crm.calls.store import CallStore
from crm.refusals import Refusal
from crm.understanding.model import Status
from crm.understanding.store import NoteStore
from crm.unit_of_work import UnitOfWork
from crm.votes.model import Generation
from events.call import Speaker

_SEPARATOR: Final = "\n"


class GenerationNotFound(Refusal):
    def __init__(self) -> None:
        super().__init__("generation_not_found")


@dataclass(frozen=True, slots=True)
class Generated:
    call_id: UUID
    prompt: str  # the conversation before it, a line a turn
    answer: str
    model: str
    prompt_version: str

    @property
    def prompt_hash(self) -> str:
        return hashlib.sha256(self.prompt.encode()).hexdigest()

    @property
    def answer_hash(self) -> str:
        return hashlib.sha256(self.answer.encode()).hexdigest()


async def read_generation(kind: Generation, generation_id: UUID, unit: UnitOfWork) -> Generated:
    """Return it, of an open unit. Raises GenerationNotFound: there is none, or its words are erased."""
    match kind:
        case Generation.TURN:
            return await _turn(generation_id, unit)
        case Generation.NOTES:
            return await _notes(generation_id, unit)


async def _turn(turn_id: UUID, unit: UnitOfWork) -> Generated:
    turn = await unit.session.get(Turn, (unit.org_id, turn_id))
    if turn is None or turn.speaker != Speaker.AGENT.value or turn.text is None:
        raise GenerationNotFound
    call = await _call(turn.call_id, unit)
    turns = await NoteStore(unit).said(turn.call_id)
    before = turns[: next(at for at, one in enumerate(turns) if one.id == turn_id)]
    return Generated(call.id, transcript(before), turn.text, _model(call), turn.prompt_version)


async def _notes(notes_id: UUID, unit: UnitOfWork) -> Generated:
    store = NoteStore(unit)
    notes = await store.by_id(notes_id)
    if notes is None or notes.status != Status.WRITTEN.value:
        raise GenerationNotFound
    call = await _call(notes.call_id, unit)
    answer = msgspec.json.encode({"summary": notes.summary, "fields": notes.fields}, order="sorted").decode()
    return Generated(call.id, transcript(await store.said(call.id)), answer, notes.model or notes.source, "")


async def _call(call_id: UUID, unit: UnitOfWork) -> Call:
    call = await CallStore(unit).get(call_id)
    if call is None or call.content_erased_at is not None:
        raise GenerationNotFound
    return call


def transcript(turns: Sequence[Turn]) -> str:
    """Return turns as lines, the agent's as far as they were heard."""
    lines = []
    for turn in turns:
        text = turn.heard_text if turn.speaker == Speaker.AGENT.value else turn.text
        lines.append(f"{turn.speaker}: {' '.join((text or '').split())}")
    return _SEPARATOR.join(lines)


def _model(call: Call) -> str:
    return str((call.agent or {}).get("model", ""))
