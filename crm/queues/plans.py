"""A queue, or one person, as the plan of a call that comes in names them."""

from uuid import UUID

from crm.queues.store import QueueStore
from crm.unit_of_work import UnitOfWork
from events.queue import QueuePlan, Strategy, Then


async def queue_in_plan(queue_id: UUID, unit: UnitOfWork) -> QueuePlan | None:
    """Return a queue with its people, in the caller's transaction; None when there is no such queue any more."""
    store = QueueStore(unit)
    queue = await store.get(queue_id)
    if queue is None:
        return None
    members = (await store.members_of([queue_id]))[queue_id]
    return QueuePlan(
        queue.name,
        await store.people(members),
        id=queue.id,
        strategy=Strategy(queue.strategy),
        ring_s=queue.ring_s,
        wait_s=queue.wait_s,
        then=Then(queue.then),
        greeting=queue.greeting,
        patience=queue.patience,
        goodbye=queue.goodbye,
    )


async def rep_in_plan(user_id: UUID, then: Then, wait_s: int, unit: UnitOfWork) -> QueuePlan | None:
    """Return the way to one person, in the caller's transaction; None when they are no active member any more.

    They are rung for as long as the caller waits; a refusal, or nobody there, ends that no sooner.
    """
    people = await QueueStore(unit).people([user_id])
    return QueuePlan(people[0].name, people, ring_s=wait_s, wait_s=wait_s, then=then) if people else None
