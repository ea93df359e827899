"""The bus and the CRM of a simulated call: each event once, in order, and money by the CRM's own rules."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from bench.sim.crm import SimCrm, SimRedis
from bench.sim.loop import SimLoop, run_virtual
from events import call as events
from events import wire

ORG, CALL = UUID(int=1), UUID(int=2)


def _raw(seq: int, body: events.Body) -> bytes:
    return events.encode(events.Event(ORG, CALL, 1, seq, datetime(2026, 1, 1, tzinfo=UTC), body))


def _crm() -> SimCrm:
    return SimCrm(ORG, CALL, wallet=10_000, per_minute=1_200, max_s=300)


END = events.Finished(events.State.ENDED, events.Outcome.HUNG_UP, duration_s=9.5, billable_s=10)


def test_money_is_reserved_metered_and_settled() -> None:
    async def main(_: SimLoop) -> SimCrm:
        crm = _crm()
        await crm.reserve()
        bodies: list[events.Body] = [events.Answered(), events.Metered(5), events.Metered(5), END]
        for seq, body in enumerate(bodies, 1):
            await crm.take(_raw(seq, body))
        return crm

    money = run_virtual(main).money()
    assert (money.charged, money.settled, money.metered) == (200, 1, [5, 5])
    assert money.accounts == {"wallet": 9_800, "funding": -10_000, "held": 0, "revenue": 200, "shortfall": 0}


def test_what_comes_too_early_waits_and_what_comes_again_changes_nothing() -> None:
    async def main(_: SimLoop) -> SimCrm:
        crm = _crm()
        await crm.reserve()
        first, second, third = (_raw(seq, events.Metered(seq)) for seq in (1, 2, 3))
        for raw in (first, third, first, second, third):
            await crm.take(raw)
        return crm

    crm = run_virtual(main)
    assert [event.seq for event in crm.taken] == [1, 2, 3]
    assert crm.arrived == [(1, 1), (1, 3), (1, 1), (1, 2), (1, 3)]
    assert crm.mark == b"1:3"


def test_redis_takes_nothing_while_it_is_away() -> None:
    async def main(_: SimLoop) -> SimCrm:
        crm = _crm()
        away = [True]
        server = SimRedis(crm, lambda: away[0])
        pipe = server.pipeline(transaction=False)
        pipe.xadd("s", {wire.EVENT_FIELD: _raw(1, events.Answered())}, maxlen=5)
        with pytest.raises(RedisConnectionError):
            await pipe.execute()
        assert crm.taken == []
        away[0] = False
        await pipe.execute()
        assert await server.mget(["other", wire.committed_key(ORG, CALL)]) == [None, b"1:1"]
        return crm

    assert [event.seq for event in run_virtual(main).taken] == [1]
