"""How many call events a second the consumer takes: a backlog of whole calls in a real Redis, applied to Postgres.

The calls belong to many organisations and run side by side, so that each stream's entries change from one call and
organisation to the next, as they do when calls are live.
"""

import asyncio
import time
from collections.abc import Mapping
from typing import Final

import msgspec
from redis.asyncio import Redis
from sqlalchemy import select

from bench.crm.measures import Bed, MeasureFailed
from bench.crm.placed_calls import dial, found, story
from crm.billing.ledger import Ledger
from crm.bus import end_tasks, open_redis
from crm.call_events import EventConsumer
from crm.calls.model import Call, DeadLetter
from crm.database import Sessions, open_engine, open_sessions
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events import wire
from events.call import Event

CALLS: Final = 1_000
ORGANISATIONS: Final = 20
AT_ONCE: Final = 100  # calls in progress, whose events are interleaved
TIMEOUT_S: Final = 600.0


async def measure(bed: Bed) -> Mapping[str, float]:
    """Consume the events of many calls, published beforehand.

    Raises:
        MeasureFailed: it took too long, or an event was lost, applied twice or set aside.
    """
    calls = CALLS // 10 if bed.small else CALLS
    engine = open_engine(bed.database.app_url)
    redis = open_redis(bed.redis_url)
    try:
        sessions = open_sessions(engine)
        orgs = [await found(sessions, number) for number in range(ORGANISATIONS)]
        dialled = [await dial(sessions, orgs[number % len(orgs)]) for number in range(calls)]
        last = await _publish(redis, dialled)
        began = time.perf_counter()
        await _consume(EventConsumer(sessions, redis), last)
        took_s = time.perf_counter() - began
        await _check(sessions, dialled)
    finally:
        await redis.aclose()
        await engine.dispose()
    events = calls * len(list(story()))
    bed.tell(f"events: {events} of {calls} calls in {took_s:.1f} s")
    return {"events_per_s": events / took_s}


async def _publish(redis: Redis, dialled: list[Event]) -> dict[str, str]:
    """Write all their events, those of AT_ONCE calls in turn; return each stream's last entry."""
    last: dict[str, str] = {}
    for first in range(0, len(dialled), AT_ONCE):
        for seq, body in enumerate(story(), 1):
            async with redis.pipeline(transaction=False) as pipeline:
                some = dialled[first : first + AT_ONCE]
                for call in some:
                    event = msgspec.structs.replace(call, seq=seq, body=body)
                    pipeline.xadd(wire.event_stream(call.call_id), {wire.EVENT_FIELD: happenings.encode(event)})
                written = await pipeline.execute()
            last.update(
                (wire.event_stream(call.call_id), entry.decode()) for call, entry in zip(some, written, strict=True)
            )
    return last


async def _consume(consumer: EventConsumer, last: dict[str, str]) -> None:
    running = asyncio.get_running_loop().create_task(consumer.run(), name="bench.consumer")
    try:
        async with asyncio.timeout(TIMEOUT_S):
            while any(consumer.position(stream) != entry for stream, entry in last.items()):
                if running.done():
                    raise MeasureFailed("the consumer ended")
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise MeasureFailed(f"the events were not applied within {TIMEOUT_S:.0f} s") from None
    finally:
        await end_tasks([running])


async def _check(sessions: Sessions, dialled: list[Event]) -> None:
    whole = len(list(story()))
    for org_id in {event.org_id for event in dialled}:
        async with UnitOfWork(sessions, org_id) as unit:
            counts = (await unit.session.scalars(select(Call.event_count).where(Call.org_id == org_id))).all()
            if any(count != whole for count in counts):
                raise MeasureFailed(f"calls with {min(counts)} to {max(counts)} events instead of {whole}")
            if await Ledger(unit).total():
                raise MeasureFailed("the ledger does not sum to zero")
    async with UnitOfWork(sessions) as unit:
        # By column: the application may not read what a letter says.
        if await unit.session.scalar(select(DeadLetter.id).limit(1)) is not None:
            raise MeasureFailed("events were set aside as dead letters")
