"""Queues in the database, of the unit's organisation."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import delete, select

from crm.identity.model import Member, MemberStatus, User
from crm.one_at_a_time import queue_up
from crm.queues.model import Queue, QueueMember
from crm.unit_of_work import UnitOfWork
from events.queue import Member as InPlan

# Any number that nobody else uses; with the organisation's: one change of its queues at a time.
QUEUES_LOCK: Final = 7_440


class QueueStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._unit = unit
        self._session = unit.session
        self._org_id = unit.org_id

    async def lock_all(self) -> Sequence[Queue]:
        """Return every queue, and keep others from changing any until this transaction ends."""
        await queue_up(QUEUES_LOCK, self._unit)
        return await self.all()

    async def all(self) -> Sequence[Queue]:
        statement = select(Queue).where(Queue.org_id == self._org_id).order_by(Queue.key)
        return (await self._session.scalars(statement.execution_options(populate_existing=True))).all()

    async def get(self, queue_id: UUID) -> Queue | None:
        return await self._session.get(Queue, (self._org_id, queue_id))

    async def members_of(self, queue_ids: Collection[UUID]) -> Mapping[UUID, list[UUID]]:
        """Return who takes the calls of these queues, in the order in which they were named."""
        statement = (
            select(QueueMember)
            .where(QueueMember.org_id == self._org_id, QueueMember.queue_id.in_(queue_ids))
            .order_by(QueueMember.id)
        )
        found: dict[UUID, list[UUID]] = {queue_id: [] for queue_id in queue_ids}
        for member in await self._session.scalars(statement):
            found[member.queue_id].append(member.user_id)
        return found

    async def put_members(self, queue_id: UUID, user_ids: Sequence[UUID]) -> None:
        mine = (QueueMember.org_id == self._org_id, QueueMember.queue_id == queue_id)
        await self._session.execute(delete(QueueMember).where(*mine))
        self._session.add_all(QueueMember(org_id=self._org_id, queue_id=queue_id, user_id=one) for one in user_ids)

    async def people(self, user_ids: Collection[UUID]) -> tuple[InPlan, ...]:
        """Return those of them who are members and not suspended, as a call plan names them."""
        statement = (
            select(User.id, User.full_name)
            .join(Member, User.id == Member.user_id)
            .where(
                Member.org_id == self._org_id,
                Member.user_id.in_(user_ids),
                Member.status == MemberStatus.ACTIVE.value,
            )
            .order_by(User.id)
        )
        return tuple(InPlan(row.id, row.full_name) for row in await self._session.execute(statement))
