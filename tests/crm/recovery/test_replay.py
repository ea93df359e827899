"""A span of a stream is offered again: what was missed is applied, and nothing twice."""

import httpx
import pytest
from redis.asyncio import Redis

from config.settings import Settings
from crm.billing.model import AccountKind
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.intake import Done
from crm.calls.model import CallEvent
from crm.database import Sessions
from crm.recovery.replay import Span, replay
from crm.resources import Resources
from events import wire
from events.call import Answered, encode
from tests.crm.call_story import EAGER, balances, call_of, rows
from tests.crm.conftest import Org
from tests.crm.fake_node import CallScript, publish, unknown_call
from tests.crm.test_api import data, problem


async def test_what_was_missed_is_applied_and_nothing_twice(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    stream = wire.event_stream(script.call_id)
    events = script.events(EAGER)
    await publish(redis, *events[:6])
    await consumer.turn()
    await publish(redis, *events[6:])
    await redis.xadd(stream, {wire.EVENT_FIELD: b"\xc1garbage"})
    whole = Span(stream)
    found = await replay(whole, sessions, redis)
    assert (found.done, found.next) == ({Done.REPEATED: 6, Done.APPLIED: 10, Done.BURIED: 1}, None)
    assert (await replay(whole, sessions, redis)).done == {Done.REPEATED: 16, Done.BURIED: 1}
    await consumer.turn()
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500
    assert len(await rows(sessions, org, CallEvent)) == len(EAGER)


async def test_by_place_by_call_and_in_parts(
    resources: Resources, consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    stream, stranger = wire.event_stream(script.call_id), unknown_call(org.id)
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    other = CallScript(org.id, answer.call_id)
    events = (*script.events(EAGER[:3]), other.event(Answered()), stranger.event(Answered()))
    for number, event in enumerate(events, 1):
        await redis.xadd(stream, {wire.EVENT_FIELD: encode(event)}, id=f"{number}-0")
    ids = [f"{number}-0" for number in range(1, len(events) + 1)]
    part = await replay(Span(stream, limit=2), sessions, redis)
    assert (part.done, part.next) == ({Done.APPLIED: 2}, ids[1])
    assert (await replay(Span(stream, after=ids[1], until=ids[2]), sessions, redis)).done == {Done.APPLIED: 1}
    assert (await replay(Span(stream, call_id=other.call_id), sessions, redis)).done == {Done.APPLIED: 1}
    assert (await replay(Span(stream, after=ids[3]), sessions, redis)).done == {Done.BURIED: 1}
    late = CallScript(org.id, answer.call_id, epoch=2).events(EAGER[:1])
    gap = other.event(Answered(), seq=9)
    await publish(redis, gap, *late)
    theirs = wire.event_stream(other.call_id)
    assert (await replay(Span(theirs, call_id=other.call_id), sessions, redis)).done[Done.PARKED] == 1
    # Of its own stream; by chance its first event lies in the same one.
    again = await replay(Span(theirs, call_id=other.call_id), sessions, redis)
    assert again.done[Done.STALE] == (2 if theirs == stream else 1)


@pytest.mark.parametrize("body", [{"stream": "events:16"}, {"stream": "events:00", "after": "x"}, {}])
async def test_a_bad_span_is_refused(client: httpx.AsyncClient, settings: Settings, body: dict[str, str]) -> None:
    key = {"Authorization": f"Bearer {settings.internal_key.get_secret_value()}"}
    problem(await client.post("/internal/events/replay", json=body, headers=key), 400, "invalid_request")


async def test_the_operator_only(
    client: httpx.AsyncClient, api: httpx.AsyncClient, settings: Settings, script: CallScript, redis: Redis
) -> None:
    await publish(redis, *script.events(EAGER))
    span = {"stream": wire.event_stream(script.call_id), "call_id": str(script.call_id)}
    problem(await api.post("/internal/events/replay", json=span), 401, "not_signed_in")
    key = {"Authorization": f"Bearer {settings.internal_key.get_secret_value()}"}
    told = data(await client.post("/internal/events/replay", json=span, headers=key))
    assert told == {"done": {"applied": len(EAGER)}, "next": None}
