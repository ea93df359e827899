"""Objections, notes and the worker's duties in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert

from crm.calls.model import Call, CallEvent, Turn
from crm.database import utc_now
from crm.understanding.model import CallNotes, NoteDuty, Objection, Status
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.understanding import CorrectedObjection

CORRECTED_MAX: Final = 200  # travel in each call's plan: the newest ones
QUOTES_SHOWN: Final = 3


class ObjectionStore:
    """Of the unit's organisation."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def add(self, values: Mapping[str, Any]) -> None:
        """Write one down; the same kind in the same turn changes nothing."""
        statement = insert(Objection).values(org_id=self._org_id, id=new_id(), **values)
        await self._session.execute(statement.on_conflict_do_nothing())

    async def get(self, objection_id: UUID) -> Objection | None:
        return await self._session.get(Objection, (self._org_id, objection_id))

    async def of_call(self, call_id: UUID) -> Sequence[Objection]:
        """Return a call's in the order in which they were made."""
        mine = (Objection.org_id == self._org_id, Objection.call_id == call_id)
        statement = select(Objection).where(*mine).order_by(Objection.epoch, Objection.turn, Objection.id)
        return (await self._session.scalars(statement)).all()

    async def corrected(self, language: str) -> tuple[CorrectedObjection, ...]:
        """Return what people have corrected in a language such as `pt`, newest first; erased words are gone."""
        statement = (
            select(Objection.quote, Objection.corrected_kind)
            .where(
                Objection.org_id == self._org_id,
                Objection.corrected_kind.is_not(None),
                Objection.quote.is_not(None),
                Objection.language == language,
            )
            .order_by(Objection.corrected_at.desc(), Objection.id)
            .limit(CORRECTED_MAX)
        )
        rows = await self._session.execute(statement)
        return tuple(CorrectedObjection(quote, kind) for quote, kind in rows if quote and kind)

    async def counted(self, outcomes: Sequence[str], since: datetime) -> Sequence[tuple[str, int, Sequence[str]]]:
        """Return kinds with their number of calls and newest quotes, of calls with those outcomes, most first."""
        kind = func.coalesce(Objection.corrected_kind, Objection.kind)
        # Ids are by time: the newest quotes stand last.
        quotes = func.array_agg(aggregate_order_by(Objection.quote, Objection.id)).filter(Objection.quote.is_not(None))
        calls = func.count(func.distinct(Objection.call_id))
        statement = (
            select(kind, calls, quotes)
            .join(Call, (Call.org_id == Objection.org_id) & (Call.id == Objection.call_id))
            .where(
                Objection.org_id == self._org_id,
                Objection.at >= since,
                Call.outcome.in_(outcomes),
                Call.answered_by.is_distinct_from("machine"),  # "call back later", says a greeting
                kind != "none",
            )
            .group_by(kind)
            .order_by(calls.desc(), kind)
        )
        rows = await self._session.execute(statement)
        return [(row[0], row[1], _newest(row[2] or ())) for row in rows]


def _newest(quotes: Sequence[str | None]) -> list[str]:
    """Return the last few quotes, none of them twice."""
    return list(dict.fromkeys(quote for quote in reversed(quotes) if quote))[:QUOTES_SHOWN]


class NoteStore:
    """Of the unit's organisation."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, call_id: UUID) -> CallNotes | None:
        statement = select(CallNotes).where(CallNotes.org_id == self._org_id, CallNotes.call_id == call_id)
        return (await self._session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()

    async def by_id(self, notes_id: UUID) -> CallNotes | None:
        return await self._session.get(CallNotes, (self._org_id, notes_id))

    async def open(self, call_id: UUID) -> CallNotes:
        """Return a call's notes, begun when there are none."""
        statement = insert(CallNotes).values(
            org_id=self._org_id, id=new_id(), call_id=call_id, status=Status.PENDING.value, fields={}, suggested={}
        )
        await self._session.execute(statement.on_conflict_do_nothing(index_elements=["org_id", "call_id"]))
        notes = await self.get(call_id)
        assert notes is not None, "just written"
        return notes

    async def call_worker(self, call_id: UUID, due_at: datetime | None = None) -> None:
        """Have a call's notes written, at once or by that time."""
        due = due_at or utc_now()
        statement = insert(NoteDuty).values(call_id=call_id, org_id=self._org_id, due_at=due)
        await self._session.execute(statement.on_conflict_do_update(index_elements=["call_id"], set_={"due_at": due}))

    async def dismiss_worker(self, call_id: UUID) -> None:
        await self._session.execute(delete(NoteDuty).where(NoteDuty.call_id == call_id))

    async def said(self, call_id: UUID) -> Sequence[Turn]:
        """Return the turns of which there are words, in the order in which they were spoken."""
        mine = (Turn.org_id == self._org_id, Turn.call_id == call_id, Turn.text.is_not(None))
        order = (Turn.epoch, Turn.started_ms.asc().nulls_last(), Turn.turn, Turn.id)
        return (await self._session.scalars(select(Turn).where(*mine).order_by(*order))).all()

    async def facts(self, call_id: UUID) -> Sequence[Mapping[str, Any]]:
        """Return what the conversation established, in its order."""
        mine = (CallEvent.org_id == self._org_id, CallEvent.call_id == call_id, CallEvent.kind == "fact.noted")
        statement = select(CallEvent.body).where(*mine).order_by(CallEvent.epoch, CallEvent.seq)
        return (await self._session.scalars(statement)).all()

    async def forget(self, call_id: UUID) -> None:
        """Take out of a call's notes and objections what was said: its words are erased."""
        await self._session.execute(
            delete(CallNotes).where(CallNotes.org_id == self._org_id, CallNotes.call_id == call_id)
        )
        mine = (Objection.org_id == self._org_id, Objection.call_id == call_id)
        await self._session.execute(update(Objection).where(*mine).values(quote=None))
        await self.dismiss_worker(call_id)


class NoteDutyStore:
    """Which calls' notes are due; acts for no organisation."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session

    async def lease(self, lasts: timedelta) -> tuple[UUID, UUID] | None:
        """Take the call that has been due longest, for this worker alone for so long: its organisation and id."""
        chosen = (
            select(NoteDuty.call_id)
            .where(NoteDuty.due_at <= utc_now())
            .order_by(NoteDuty.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = update(NoteDuty).where(NoteDuty.call_id.in_(chosen)).values(due_at=utc_now() + lasts)
        row = (await self._session.execute(statement.returning(NoteDuty.org_id, NoteDuty.call_id))).one_or_none()
        return None if row is None else (row[0], row[1])
