"""How many call events a second the consumer takes: a backlog of whole calls in a real Redis, applied to Postgres.

The calls belong to many organisations and run side by side, so that each stream's entries change from one call and
organisation to the next, as they do when calls are live.
"""

import asyncio
import random
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec
from redis.asyncio import Redis
from sqlalchemy import select

from bench.crm.measures import Bed, MeasureFailed
from crm.agents.model import Agent
from crm.billing.call_money import reserve_call
from crm.billing.ledger import Ledger
from crm.bus import end_tasks, open_redis
from crm.call_events import EventConsumer
from crm.calls.model import Call, DeadLetter
from crm.database import Sessions, open_engine, open_sessions
from crm.identity.usecases import NewOrganisation, found_organisation
from crm.leads.model import Lead
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events import wire
from events.call import (
    Answered,
    AnsweredBy,
    AnswererKnown,
    Body,
    CallerUnderstood,
    CarrierAccepted,
    Closed,
    Event,
    Finished,
    Metered,
    ModelUsed,
    Outcome,
    RecordingStored,
    Speaker,
    State,
    StateChanged,
    TurnFinished,
    TurnTimed,
)
from events.ids import new_id
from events.money import credits_to_milli
from events.understanding import Mood

CALLS: Final = 1_000
ORGANISATIONS: Final = 20
AT_ONCE: Final = 100  # calls in progress, whose events are interleaved
EXCHANGES: Final = 6  # a minute's conversation: the prospect says something, the agent answers
EXCHANGE_S: Final = 10
SECONDS_HELD: Final = 120
PER_MINUTE: Final = 10_000  # thousandths of a credit
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
        orgs = [await _found(sessions, number) for number in range(ORGANISATIONS)]
        dialled = [await _dial(sessions, orgs[number % len(orgs)]) for number in range(calls)]
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


def story() -> Iterator[Body]:
    """Yield the events of a call of a minute, as a voice process writes them."""
    yield StateChanged(State.DIALING, State.IDLE)
    yield CarrierAccepted("bench", "CA1")
    yield StateChanged(State.RINGING, State.DIALING)
    yield Answered()
    yield StateChanged(State.LISTENING, State.RINGING)
    yield AnswererKnown(AnsweredBy.HUMAN, "ear")
    for number in range(EXCHANGES):
        turn, at_ms = 2 * number + 1, number * EXCHANGE_S * 1_000
        said = "I wonder what it would cost us"
        yield TurnFinished(turn, Speaker.CALLER, said, said, at_ms, at_ms + 3_000)
        yield CallerUnderstood(turn, Mood.NEUTRAL, 0.1, 0.7)
        yield ModelUsed("bench:model", "spoken", prompt_tokens=900, completion_tokens=40, first_token_ms=300)
        yield StateChanged(State.SPEAKING, State.LISTENING)
        answer = "It depends on how many people work with you; shall we look at that together?"
        yield TurnTimed(turn + 1, vad_ms=200, end_of_turn_ms=350, transcript_ms=360, played_ms=700)
        yield TurnFinished(turn + 1, Speaker.AGENT, answer, answer, at_ms + 3_700, at_ms + 8_000, 700)
        yield StateChanged(State.LISTENING, State.SPEAKING)
        yield Metered((number + 1) * EXCHANGE_S)
    spoken_s = EXCHANGES * EXCHANGE_S
    yield Finished(State.ENDED, Outcome.HUNG_UP, AnsweredBy.HUMAN, spoken_s, spoken_s)
    yield RecordingStored("file:///r.wav", "r.wav", 2, spoken_s, 1_920_044, "00")
    yield Closed()


class _Org(msgspec.Struct, frozen=True):
    id: UUID
    agent_id: UUID


async def _found(sessions: Sessions, number: int) -> _Org:
    mark = f"bench-{new_id().hex}"
    async with UnitOfWork(sessions, new_id()) as unit:
        # Nobody signs in here, so the password needs no hash.
        await found_organisation(NewOrganisation(f"Bench {number}", mark, "Bench", f"{mark}@example.com", "-"), unit)
        await Ledger(unit).fund(credits_to_milli(1_000_000), "fund:bench")
        agent = Agent(org_id=unit.org_id, id=new_id(), name="Alex", playbook="meeting")
        unit.session.add(agent)
        await unit.commit()
        return _Org(unit.org_id, agent.id)


async def _dial(sessions: Sessions, org: _Org) -> Event:
    """Write down a call that was placed, and return its first event."""
    held = PER_MINUTE * SECONDS_HELD // 60
    async with UnitOfWork(sessions, org.id) as unit:
        lead = Lead(org_id=org.id, id=new_id(), name="Dana", phone=f"+1202555{random.randrange(10_000):04d}")  # noqa: S311 - any
        unit.session.add(lead)
        await unit.session.flush()
        call = Call(
            org_id=org.id,
            id=new_id(),
            lead_id=lead.id,
            agent_id=org.agent_id,
            decision_id=new_id(),
            number=lead.phone,
            funded_s=SECONDS_HELD,
            price_per_minute=PER_MINUTE,
            reserved=held,
            held=held,
            balance_before=0,
        )
        unit.session.add(call)
        await unit.session.flush()
        await reserve_call(call, Ledger(unit))
        await unit.commit()
    return Event(org.id, call.id, 1, 1, datetime.now(UTC), Answered())


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
