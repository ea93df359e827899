"""What people do with queues: make, change and remove them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm.identity.belonging import check_member
from crm.queues.model import Queue
from crm.queues.store import QueueStore
from crm.refusals import Refusal
from crm.tags.likeness import key_of
from crm.unit_of_work import UnitOfWork
from events.queue import Strategy, Then

QUEUES_MAX: Final = 50  # of an organisation
# Of a queue: while a caller waits, all of them are looked at once a second.
MEMBERS_MAX: Final = 50


class QueueNotFound(Refusal):
    def __init__(self, queue_id: UUID) -> None:
        super().__init__("queue_not_found", {"queue_id": str(queue_id)})


@dataclass(frozen=True, slots=True)
class QueueFields:
    name: str
    strategy: Strategy
    ring_s: int
    wait_s: int
    then: Then
    greeting: str
    patience: str
    goodbye: str
    member_ids: tuple[UUID, ...]


Whole = tuple[Queue, list[UUID]]  # with its members


async def list_queues(unit: UnitOfWork) -> Sequence[Whole]:
    async with unit:
        store = QueueStore(unit)
        queues = await store.all()
        members = await store.members_of([queue.id for queue in queues])
        return [(queue, members[queue.id]) for queue in queues]


async def read_queue(queue_id: UUID, unit: UnitOfWork) -> Whole:
    """Raises QueueNotFound."""
    async with unit:
        store = QueueStore(unit)
        queue = await store.get(queue_id)
        if queue is None:
            raise QueueNotFound(queue_id)
        return queue, (await store.members_of([queue.id]))[queue.id]


async def add_queue(fields: QueueFields, unit: UnitOfWork) -> Whole:
    """Raises Refusal: the name is taken, there are QUEUES_MAX, or somebody is no member."""
    async with unit:
        store = QueueStore(unit)
        queues = await store.lock_all()
        _check_name(fields.name, None, queues)
        if len(queues) >= QUEUES_MAX:
            raise Refusal("too_many_queues", {"max": QUEUES_MAX})
        return await _write(Queue(org_id=unit.org_id), fields, store, unit)


async def change_queue(queue_id: UUID, fields: QueueFields, unit: UnitOfWork) -> Whole:
    """Let it be so; callers who wait already go on as their call was planned.

    Raises:
        QueueNotFound, or Refusal: the name is taken, or somebody is no member.
    """
    async with unit:
        store = QueueStore(unit)
        queues = await store.lock_all()
        queue = next((queue for queue in queues if queue.id == queue_id), None)
        if queue is None:
            raise QueueNotFound(queue_id)
        _check_name(fields.name, queue, queues)
        return await _write(queue, fields, store, unit)


async def remove_queue(queue_id: UUID, unit: UnitOfWork) -> None:
    """Raises QueueNotFound."""
    async with unit:
        queue = next((one for one in await QueueStore(unit).lock_all() if one.id == queue_id), None)
        if queue is None:
            raise QueueNotFound(queue_id)
        await unit.session.delete(queue)
        await unit.commit()


async def _write(queue: Queue, fields: QueueFields, store: QueueStore, unit: UnitOfWork) -> Whole:
    members = list(dict.fromkeys(fields.member_ids))
    for number, user_id in enumerate(members):
        await check_member(user_id, f"body.member_ids.{number}", unit)
    queue.name, queue.key = fields.name, key_of(fields.name)
    queue.strategy, queue.then = fields.strategy.value, fields.then.value
    queue.ring_s, queue.wait_s = fields.ring_s, fields.wait_s
    queue.greeting, queue.patience, queue.goodbye = fields.greeting, fields.patience, fields.goodbye
    unit.session.add(queue)
    await unit.session.flush()
    await store.put_members(queue.id, members)
    await unit.commit()
    return queue, members


def _check_name(name: str, of: Queue | None, queues: Sequence[Queue]) -> None:
    for queue in queues:
        if queue is not of and queue.key == key_of(name):
            raise Refusal("queue_exists", {"queue_id": str(queue.id)})
