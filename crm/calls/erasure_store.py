"""Erasures and the worker's duties in the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from crm.calls.model import Call, CallEvent, DeadLetter, Erasure, ParkedEvent, RecordingDuty, Turn
from crm.database import utc_now
from crm.tools.model import ToolRun
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

BATCH_MAX: Final = 100


class ErasureStore:
    """Of the unit's organisation."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, call_id: UUID, scope: str) -> Erasure | None:
        return await self._session.scalar(
            select(Erasure).where(Erasure.org_id == self._org_id, Erasure.call_id == call_id, Erasure.scope == scope)
        )

    async def add(self, erasure: Erasure) -> None:
        self._session.add(erasure)
        await self._session.flush()

    async def pending(self) -> Sequence[Erasure]:
        """Return erasures whose objects are still to be removed, the oldest first."""
        statement = select(Erasure).where(Erasure.org_id == self._org_id, Erasure.pending)
        return (await self._session.scalars(statement.order_by(Erasure.at).limit(BATCH_MAX))).all()

    async def settle(self, erasure_id: UUID, uploads: int, removed: int) -> None:
        """Its objects are gone; it stays pending when an upload has come since `uploads` was read."""
        await self._session.execute(
            update(Erasure)
            .where(Erasure.org_id == self._org_id, Erasure.id == erasure_id)
            .values(
                pending=Erasure.uploads != uploads,
                removed_at=utc_now(),
                removed_objects=Erasure.removed_objects + removed,
            )
        )

    async def reopen(self, call_id: UUID) -> None:
        """A node has uploaded the recording of an erased call: it is to be removed once more."""
        await self._session.execute(
            update(Erasure)
            .where(Erasure.org_id == self._org_id, Erasure.call_id == call_id, Erasure.scope == "recording")
            .values(pending=True, uploads=Erasure.uploads + 1)
        )

    async def outlived(self, before: datetime) -> Sequence[UUID]:
        """Return calls that ended before that time and still have a recording."""
        over = func.coalesce(Call.ended_at, Call.created_at)
        statement = select(Call.id).where(Call.org_id == self._org_id, Call.recording.is_not(None), over < before)
        return (await self._session.scalars(statement.order_by(over).limit(BATCH_MAX))).all()

    async def forget_words(self, call_id: UUID, blank: Mapping[str, Mapping[str, Any]]) -> None:
        """Take the words out of a call's transcript and events; `blank` gives the members to replace, by kind."""
        mine = (Turn.org_id == self._org_id, Turn.call_id == call_id)
        await self._session.execute(update(Turn).where(*mine).values(text=None, heard_text=None))
        for kind, members in blank.items():
            await self._session.execute(
                update(CallEvent)
                .where(CallEvent.org_id == self._org_id, CallEvent.call_id == call_id, CallEvent.kind == kind)
                .values(body=CallEvent.body.op("||")(dict(members)))
            )
        await self._session.execute(delete(ToolRun).where(ToolRun.org_id == self._org_id, ToolRun.call_id == call_id))
        await self._session.execute(
            delete(ParkedEvent).where(ParkedEvent.org_id == self._org_id, ParkedEvent.call_id == call_id)
        )
        await self._session.execute(
            delete(DeadLetter).where(DeadLetter.org_id == self._org_id, DeadLetter.call_id == call_id)
        )

    async def call_worker(self, at: datetime | None = None) -> None:
        """Let the worker look through this organisation's recordings, at once or by that time."""
        due_at = at or utc_now()
        statement = insert(RecordingDuty).values(org_id=self._org_id, due_at=due_at)
        await self._session.execute(
            statement.on_conflict_do_update(
                index_elements=["org_id"], set_={"due_at": func.least(RecordingDuty.due_at, due_at)}
            )
        )


class DutyStore:
    """Which organisations are due; acts for none of them."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session

    async def lease(self, until: datetime) -> UUID | None:
        """Take the organisation that has been due longest, for this worker alone until then; None when none is."""
        chosen = (
            select(RecordingDuty.org_id)
            .where(RecordingDuty.due_at <= utc_now())
            .order_by(RecordingDuty.due_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = update(RecordingDuty).where(RecordingDuty.org_id.in_(chosen)).values(due_at=until)
        return await self._session.scalar(statement.returning(RecordingDuty.org_id))

    async def put_back(self, org_id: UUID, leased_until: datetime, again_in: timedelta | None) -> None:
        """Give the lease back; unless somebody has called the worker since, it is due then, or not again."""
        mine = (RecordingDuty.org_id == org_id, RecordingDuty.due_at == leased_until)
        if again_in is None:
            await self._session.execute(delete(RecordingDuty).where(*mine))
        else:
            await self._session.execute(update(RecordingDuty).where(*mine).values(due_at=utc_now() + again_in))


def new_erasure(org_id: UUID, call: Call, scope: str, reason: str, asked_by: UUID | None) -> Erasure:
    key = str(call.recording["key"]) if call.recording is not None else ""
    return Erasure(
        org_id=org_id,
        id=new_id(),
        call_id=call.id,
        scope=scope,
        reason=reason,
        asked_by=asked_by,
        object_key=key if scope == "recording" else "",
        pending=scope == "recording",
    )
