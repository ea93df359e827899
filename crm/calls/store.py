"""Calls, turns and events in the database, of the unit's organisation."""

from collections.abc import Callable, Collection, Sequence
from typing import Final
from uuid import UUID

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    DateTime,
    Text,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    literal,
    select,
    text,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import InstrumentedAttribute

from crm.calls.model import Call, CallEvent, PendingDial, Turn
from crm.database import utc_now
from crm.identity.model import Organisation
from crm.leads.model import Lead
from crm.unit_of_work import UnitOfWork
from events.call import Event, kind_of
from events.ids import new_id

EVENTS_PAGE_MAX: Final = 500
_ADD_EVENTS: Final = text("""
    INSERT INTO call_events (org_id, received_at, id, call_id, epoch, seq, kind, body, at)
    SELECT :org, :now, one.* FROM unnest(:ids ::uuid[], :calls ::uuid[], :epochs ::bigint[], :seqs ::bigint[],
        :kinds ::text[], :bodies ::jsonb[], :times ::timestamptz[]) AS one
""").bindparams(
    bindparam("org", type_=Uuid()),
    bindparam("now", type_=DateTime(timezone=True)),
    bindparam("ids", type_=ARRAY(Uuid())),
    bindparam("calls", type_=ARRAY(Uuid())),
    bindparam("epochs", type_=ARRAY(BigInteger())),
    bindparam("seqs", type_=ARRAY(BigInteger())),
    bindparam("kinds", type_=ARRAY(Text())),
    bindparam("bodies", type_=ARRAY(Text())),
    bindparam("times", type_=ARRAY(DateTime(timezone=True))),
)


class CallStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, call_id: UUID) -> Call | None:
        return await self._session.get(Call, (self._org_id, call_id))

    async def lock(self, call_id: UUID) -> Call | None:
        """Return the call as it is now, and keep others from changing it until this transaction ends."""
        statement = select(Call).where(Call.org_id == self._org_id, Call.id == call_id).with_for_update()
        return (await self._session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()

    async def lock_all(self, call_ids: Sequence[UUID]) -> Sequence[Call]:
        """Lock many, always in the order of their ids, and return those that there are."""
        statement = select(Call).where(Call.org_id == self._org_id, among(Call.id, call_ids)).order_by(Call.id)
        statement = statement.with_for_update().execution_options(populate_existing=True)
        return (await self._session.scalars(statement)).all()

    async def page(self, number: int, limit: int) -> Sequence[tuple[Call, Lead]]:
        """Return page `number`, from 1, of `limit` calls with their leads, newest first."""
        statement = (
            select(Call, Lead)
            .join(Lead, (Lead.org_id == Call.org_id) & (Lead.id == Call.lead_id))
            .where(Call.org_id == self._org_id)
            .order_by(Call.created_at.desc(), Call.id.desc())
            .limit(limit)
            .offset((number - 1) * limit)
        )
        return [(row[0], row[1]) for row in await self._session.execute(statement)]

    async def count(self) -> int:
        statement = select(func.count()).select_from(Call).where(Call.org_id == self._org_id)
        return int((await self._session.execute(statement)).scalar_one())

    async def turns(self, call_id: UUID) -> Sequence[Turn]:
        """Return the transcript in the order in which it was spoken, timings without a turn included."""
        statement = select(Turn).where(Turn.org_id == self._org_id, Turn.call_id == call_id)
        ordering = (Turn.epoch, Turn.started_ms.asc().nulls_last(), Turn.turn, Turn.id)
        return (await self._session.scalars(statement.order_by(*ordering))).all()

    async def turns_numbered(self, call_ids: Collection[UUID], numbers: Collection[int]) -> Sequence[Turn]:
        """Return the turns of those calls that have one of those numbers."""
        mine = (Turn.org_id == self._org_id, among(Turn.call_id, call_ids), Turn.turn == any_(_numbers(numbers)))
        return (await self._session.scalars(select(Turn).where(*mine))).all()

    async def turn(self, call_id: UUID, epoch: int, turn: int, speaker: str) -> Turn | None:
        return await self._session.scalar(
            select(Turn).where(
                Turn.org_id == self._org_id,
                Turn.call_id == call_id,
                Turn.epoch == epoch,
                Turn.turn == turn,
                Turn.speaker == speaker,
            )
        )

    async def events(
        self, call_id: UUID, after: tuple[int, int] = (0, 0), kind: str | None = None, limit: int = EVENTS_PAGE_MAX
    ) -> Sequence[CallEvent]:
        """Return the events after (epoch, seq), in order."""
        statement = select(CallEvent).where(
            CallEvent.org_id == self._org_id,
            CallEvent.call_id == call_id,
            tuple_(CallEvent.epoch, CallEvent.seq) > after,
        )
        if kind is not None:
            statement = statement.where(CallEvent.kind == kind)
        return (await self._session.scalars(statement.order_by(CallEvent.epoch, CallEvent.seq).limit(limit))).all()

    async def add_events(self, events: Sequence[Event]) -> None:
        """Store events of calls of this organisation, in one statement however many they are."""
        columns = {
            "ids": [new_id() for _ in events],
            "calls": [event.call_id for event in events],
            "epochs": [event.epoch for event in events],
            "seqs": [event.seq for event in events],
            "kinds": [kind_of(event.body) for event in events],
            "bodies": [msgspec.json.encode(event.body).decode() for event in events],
            "times": [event.at for event in events],
        }
        await self._session.execute(_ADD_EVENTS, {"org": self._org_id, "now": utc_now(), **columns})

    async def confirm_dials(self, call_ids: Sequence[UUID]) -> None:
        """Somebody has spoken for these dials: they need not be released."""
        await self._session.execute(
            delete(PendingDial).where(PendingDial.org_id == self._org_id, among(PendingDial.call_id, call_ids))
        )


class DialStore:
    """What dialling needs beside calls: the organisation."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def organisation(self) -> Organisation:
        return (await self._session.scalars(select(Organisation).where(Organisation.id == self._org_id))).one()

    async def recording_key(self, fresh: Callable[[], str]) -> str:
        """Return the organisation's wrapped key; a fresh one becomes it when there is none yet, once for all."""
        mine = Organisation.id == self._org_id
        key = (await self._session.scalars(select(Organisation.recording_key).where(mine))).one()
        if key:
            return key
        # Two first calls at once: the second waits here, changes nothing, and reads the first one's.
        await self._session.execute(
            update(Organisation).where(mine, Organisation.recording_key == "").values(recording_key=fresh())
        )
        return (await self._session.scalars(select(Organisation.recording_key).where(mine))).one()


def among(column: InstrumentedAttribute[UUID], ids: Collection[UUID]) -> ColumnElement[bool]:
    """Say that a column has one of those ids."""
    # One array and so one statement, however many they are: it is prepared once.
    return column == any_(literal(list(ids), ARRAY(Uuid())))


def _numbers(numbers: Collection[int]) -> ColumnElement[list[int]]:
    return literal(list(numbers), ARRAY(BigInteger()))
