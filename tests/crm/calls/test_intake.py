"""Events that come twice, late, early, from another epoch, or cannot be applied at all."""

from redis.asyncio import Redis

from crm.billing.model import AccountKind
from crm.call_events import EventConsumer
from crm.calls.model import CallEvent, ParkedEvent, Turn
from crm.calls.summary import summarise
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events import wire
from events.call import (
    Answered,
    Closed,
    Finished,
    Metered,
    Outcome,
    Speaker,
    State,
    TurnFinished,
)
from tests.crm.call_story import EAGER, balances, call_of, lead_of, letters, mark_of, rows
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, publish, unknown_call


async def test_repeats_change_nothing(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    events = script.events(EAGER)
    await publish(redis, *events, *events[3:9], *events)
    await consumer.turn()
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert len(await rows(sessions, org, CallEvent)) == len(EAGER)
    assert len(await rows(sessions, org, Turn)) == 2
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500
    assert (await lead_of(sessions, org)).status == "meeting_booked"


async def test_a_gap_holds_back_what_follows(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    events = script.events(EAGER)
    await publish(redis, events[0], *events[2:])
    await consumer.turn()
    assert (await call_of(sessions, script)).seq == 1
    assert len(await rows(sessions, org, ParkedEvent)) == len(EAGER) - 2
    assert await mark_of(redis, script) == "1:1", "the journal must keep what waits for its predecessor"

    await publish(redis, events[1])
    await consumer.turn()
    call = await call_of(sessions, script)
    assert (call.seq, call.state, call.event_count) == (len(EAGER), "ended", len(EAGER))
    assert await rows(sessions, org, ParkedEvent) == []
    assert await mark_of(redis, script) == f"1:{len(EAGER)}"


async def test_backwards_is_as_good_as_forwards(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *reversed(script.events(EAGER)))
    await consumer.turn()
    told = await summarise(script.call_id, UnitOfWork(sessions, org.id))
    assert (told["state"], told["events"], told["ledger"]["settled"]) == ("ended", len(EAGER), 2500)


async def test_a_takeover_refuses_the_old_epoch(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    first = script.events(EAGER[:5])
    late = script.event(Metered(60))
    waiting = script.event(Metered(90), seq=9)
    successor = CallScript(script.org_id, script.call_id, epoch=2)
    await publish(redis, *first, waiting)
    await consumer.turn()
    ending = successor.events([Finished(State.ENDED, Outcome.HUNG_UP, None, 5, 5, "recovered"), Closed()])
    await publish(redis, *ending, late)
    await consumer.turn()

    call = await call_of(sessions, script)
    assert (call.epoch, call.seq, call.outcome, call.closed) == (2, 2, "hung_up", True)
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 834, "five seconds, not what came late"
    assert await rows(sessions, org, ParkedEvent) == []
    assert await mark_of(redis, script) == "2:2", "the old epoch's journal may go"

    much_later = CallScript(script.org_id, script.call_id, epoch=1000)
    await publish(redis, *much_later.events([EAGER[-2], Closed()]))
    await consumer.turn()
    assert (await call_of(sessions, script)).recording is not None


async def test_poison_does_not_block(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    stream = wire.event_stream(script.call_id)
    await redis.xadd(stream, {wire.EVENT_FIELD: b"\xc1garbage"})
    await redis.xadd(stream, {b"other": b"field"})
    stranger = unknown_call(org.id)
    foreign = CallScript((await make_org(sessions)).id, script.call_id)  # another organisation's name on our call
    await publish(redis, stranger.event(Answered()), foreign.event(Answered()), *script.events(EAGER))
    await consumer.turn()

    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert await letters(sessions, stranger.call_id) == ["unknown call"]
    assert await letters(sessions, script.call_id) == ["unknown call"]
    assert len(await letters(sessions)) >= 2
    assert await mark_of(redis, stranger) == "1:1", "or its journal would come for ever"


async def test_an_event_whose_effects_fail_is_set_aside(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    """Postgres stores no NUL; the events around it are applied all the same, and its own effects are none."""
    bad = TurnFinished(3, Speaker.CALLER, "nul \x00", "nul \x00", 1, 2)
    await publish(redis, *script.events([*EAGER[:7], bad, *EAGER[7:]]))
    await consumer.turn()
    call = await call_of(sessions, script)
    assert (call.seq, call.event_count, call.state) == (len(EAGER) + 1, len(EAGER), "ended")
    assert len(await letters(sessions, script.call_id)) == 1
    assert len(await rows(sessions, org, Turn)) == 2
