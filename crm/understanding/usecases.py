"""What people do with what was understood: correct objections, add a missed one, write notes, have them tried again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from crm.agents.store import AgentStore
from crm.calls.model import Call, Turn
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.database import utc_now
from crm.identity.tokens import Identity
from crm.prompts.usecases import BadField
from crm.refusals import Refusal
from crm.understanding.fields import BadFields, Notes, read_fields, value_of
from crm.understanding.model import CallNotes, Objection, Source, Status
from crm.understanding.store import NoteStore, ObjectionStore
from crm.understanding.taking import language_of
from crm.understanding.writing import save
from crm.unit_of_work import UnitOfWork
from events.call import TERMINAL, Outcome, Speaker
from events.ids import new_id

# Calls that were answered and won nothing.
LOST: Final = (Outcome.NOT_INTERESTED.value, Outcome.OPTED_OUT.value, Outcome.HUNG_UP.value)
PERSON: Final = "person"


@dataclass(frozen=True, slots=True)
class KindCount:
    kind: str
    calls: int
    quotes: Sequence[str]


async def objections_of(call_id: UUID, unit: UnitOfWork) -> Sequence[Objection]:
    """Raises CallNotFound."""
    async with unit:
        await _call(call_id, unit)
        return await ObjectionStore(unit).of_call(call_id)


async def correct(objection_id: UUID, kind: str, person: Identity, unit: UnitOfWork) -> Objection:
    """Say what an objection really was; the organisation's next calls are understood so.

    Raises:
        Refusal: `objection_not_found`.
    """
    async with unit:
        objection = await ObjectionStore(unit).get(objection_id)
        if objection is None:
            raise Refusal("objection_not_found")
        objection.corrected_kind, objection.corrected_by, objection.corrected_at = kind, person.user_id, utc_now()
        await unit.commit()
        return objection


async def add_missed(
    call_id: UUID, turn_id: UUID, kind: str, quote: str, person: Identity, unit: UnitOfWork
) -> Objection:
    """Write down an objection that was not noticed, with the words of it.

    Raises:
        CallNotFound
        BadField: no such turn of the caller's, or they did not say that.
    """
    async with unit:
        call = await _call(call_id, unit)
        turn = await unit.session.get(Turn, (unit.org_id, turn_id))
        if turn is None or turn.call_id != call_id or turn.speaker != Speaker.CALLER.value or turn.text is None:
            raise BadField("turn_id", "the call has no such turn of the caller's")
        said = " ".join(quote.split())
        if said.casefold() not in " ".join(turn.text.split()).casefold():
            raise BadField("quote", "these words are not in the turn: copy them from it")
        same = select(Objection).where(
            Objection.org_id == unit.org_id,
            Objection.call_id == call_id,
            Objection.epoch == turn.epoch,
            Objection.turn == turn.turn,
            Objection.kind == kind,
        )
        objection = (await unit.session.scalars(same)).one_or_none()
        if objection is None:
            objection = Objection(
                org_id=unit.org_id,
                id=new_id(),
                call_id=call_id,
                lead_id=call.lead_id,
                epoch=turn.epoch,
                turn=turn.turn,
                kind=kind,
                language=language_of(call),
                source=PERSON,
                at=utc_now(),
            )
            unit.session.add(objection)
        objection.quote = said
        objection.corrected_kind, objection.corrected_by, objection.corrected_at = kind, person.user_id, utc_now()
        await unit.commit()
        return objection


async def lost_by(days: int, unit: UnitOfWork) -> Sequence[KindCount]:
    """Return why calls of the last days were lost, the most frequent first."""
    since: datetime = utc_now() - timedelta(days=days)
    async with unit:
        return [KindCount(*row) for row in await ObjectionStore(unit).counted(LOST, since)]


async def read_call_notes(call_id: UUID, unit: UnitOfWork) -> CallNotes:
    """Raises CallNotFound, or Refusal: `notes_not_found`."""
    async with unit:
        await _call(call_id, unit)
        notes = await NoteStore(unit).get(call_id)
        if notes is None:
            raise Refusal("notes_not_found")
        return notes


async def write_notes(
    call_id: UUID, summary: str, values: Mapping[str, Any], person: Identity, unit: UnitOfWork
) -> CallNotes:
    """Write a call's notes as a person: no model writes over them.

    Raises:
        CallNotFound
        BadField: a field that the agent does not have, or a value that does not fit it.
        Refusal: `call_live`, `content_erased`.
    """
    async with unit:
        call = await _over(call_id, unit)
        agent = await AgentStore(unit).get(call.agent_id)
        try:
            fields = {one.name: one for one in read_fields(agent.extract if agent is not None else None)}
        except BadFields as error:
            raise BadField("fields", str(error)) from None
    fitting: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            raise BadField(f"fields.{name}", f"the agent has no such field; it has {', '.join(sorted(fields))}")
        fitting[name] = value_of(fields[name], value)
        if fitting[name] is None:
            raise BadField(f"fields.{name}", f"this is no {fields[name].type.value}")
    notes = await save(call_id, Notes(summary, fitting), Source.PERSON, (), unit, person.user_id)
    if notes is None:
        raise Refusal("content_erased")
    return notes


async def try_again(call_id: UUID, unit: UnitOfWork) -> CallNotes:
    """Have the notes of a call written that could not be, or once more.

    Raises:
        CallNotFound
        Refusal: `call_live`, `content_erased`, or `notes_by_person`: those stay.
    """
    async with unit:
        await _over(call_id, unit)
        store = NoteStore(unit)
        notes = await store.open(call_id)
        if notes.source == Source.PERSON.value:
            raise Refusal("notes_by_person")
        notes.status, notes.attempts, notes.reason = Status.PENDING.value, 0, ""
        notes.created_at = utc_now()  # from here on they wait for models that are switched off
        await store.call_worker(call_id)
        await unit.commit()
        return notes


async def _call(call_id: UUID, unit: UnitOfWork) -> Call:
    call = await CallStore(unit).get(call_id)
    if call is None:
        raise CallNotFound(call_id)
    return call


async def _over(call_id: UUID, unit: UnitOfWork) -> Call:
    call = await _call(call_id, unit)
    if call.state not in {state.value for state in TERMINAL}:
        raise Refusal("call_live", {"state": call.state})
    if call.content_erased_at is not None:
        raise Refusal("content_erased")
    return call
