"""Events that came before their predecessors and wait for them, of the unit's organisation."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from crm.calls.model import ParkedEvent
from crm.calls.store import among
from crm.unit_of_work import UnitOfWork
from events.call import Event
from events.ids import new_id


class ParkedStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

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

    async def any_of(self, call_ids: Sequence[UUID]) -> bool:
        """Say whether an event of any of them waits for its predecessor."""
        waits = exists().where(ParkedEvent.org_id == self._org_id, among(ParkedEvent.call_id, call_ids))
        return bool(await self._session.scalar(select(waits)))

    async def drop_before(self, call_id: UUID, epoch: int) -> None:
        """Forget parked events of older epochs: they would be refused."""
        await self._session.execute(
            delete(ParkedEvent).where(
                ParkedEvent.org_id == self._org_id, ParkedEvent.call_id == call_id, ParkedEvent.epoch < epoch
            )
        )
