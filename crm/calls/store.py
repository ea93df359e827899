"""Calls, turns and events in the database, of the unit's organisation."""

from collections.abc import Callable, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from crm.calls.model import Call, CallEvent, ParkedEvent, PendingDial, Turn
from crm.identity.model import Organisation
from crm.leads.model import Lead
from crm.unit_of_work import UnitOfWork
from events.call import Event
from events.ids import new_id

EVENTS_PAGE_MAX: Final = 500


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

    async def turn(self, call_id: UUID, epoch: int, turn: int, speaker: str) -> Turn:
        """Return one turn's row, made when it is not there yet."""
        found = await self._session.scalar(
            select(Turn).where(
                Turn.org_id == self._org_id,
                Turn.call_id == call_id,
                Turn.epoch == epoch,
                Turn.turn == turn,
                Turn.speaker == speaker,
            )
        )
        if found is None:
            found = Turn(org_id=self._org_id, call_id=call_id, epoch=epoch, turn=turn, speaker=speaker)
            self._session.add(found)
        return found

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

    async def park(self, event: Event, raw: bytes) -> None:
        """Keep an event until its predecessor comes; a second copy is dropped."""
        statement = insert(ParkedEvent).values(
            org_id=self._org_id, id=new_id(), call_id=event.call_id, epoch=event.epoch, seq=event.seq, raw=raw
        )
        await self._session.execute(statement.on_conflict_do_nothing())

    async def unpark(self, call_id: UUID, epoch: int, seq: int) -> bytes | None:
        """Take out the parked event with exactly that place, if there is one."""
        statement = (
            delete(ParkedEvent)
            .where(
                ParkedEvent.org_id == self._org_id,
                ParkedEvent.call_id == call_id,
                ParkedEvent.epoch == epoch,
                ParkedEvent.seq == seq,
            )
            .returning(ParkedEvent.raw)
        )
        return (await self._session.execute(statement)).scalar_one_or_none()

    async def drop_parked_before(self, call_id: UUID, epoch: int) -> None:
        """Forget parked events of older epochs: they would be refused."""
        await self._session.execute(
            delete(ParkedEvent).where(
                ParkedEvent.org_id == self._org_id, ParkedEvent.call_id == call_id, ParkedEvent.epoch < epoch
            )
        )

    async def confirm_dial(self, call_id: UUID) -> None:
        """Somebody has spoken for the dial: it need not be released."""
        await self._session.execute(
            delete(PendingDial).where(PendingDial.org_id == self._org_id, PendingDial.call_id == call_id)
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
