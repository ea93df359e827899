"""A prospect is put through on a permit for this call alone, once."""

import time
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import redis.asyncio as redis

from events.ids import new_id
from events.permit import LIFETIME_S, Permit, Purpose, seal
from events.plan import Agent, CallPlan, Prospect
from telephony.carrier_port import CallOrder, CarrierInDoubt, CarrierRefused, Transfer
from telephony.permits import PermitRefused, read_permit, spend
from telephony.transfer import NotPutThrough, Transfers

KEY = "the secret that all processes of one system share"
REP = "+12025550150"
PLAN = CallPlan(
    org_id=new_id(),
    call_id=new_id(),
    org_name="Acme",
    agent=Agent(new_id(), "Al", language="pt-BR"),
    prospect=Prospect(new_id()),
    from_number="+12025550100",
    playbook={},
)


@dataclass
class Carrier:
    """Implements `Carrier`, as far as transfers need it."""

    name: str = "fake"
    failure: Exception | None = None
    put: list[tuple[str, Transfer]] = field(default_factory=list)

    async def put_through(self, carrier_call_id: str, transfer: Transfer) -> None:
        self.put.append((carrier_call_id, transfer))
        if self.failure is not None:
            raise self.failure

    async def dial(self, order: CallOrder) -> str:
        raise AssertionError

    async def find(self, order: CallOrder, since: Any) -> str | None:
        raise AssertionError

    async def status(self, carrier_call_id: str) -> str:
        raise AssertionError

    async def hang_up(self, carrier_call_id: str) -> None:
        raise AssertionError

    async def aclose(self) -> None: ...


def permit(**changes: Any) -> Permit:
    now = int(time.time())
    values: dict[str, Any] = {
        "id": new_id(),
        "org_id": PLAN.org_id,
        "call_id": PLAN.call_id,
        "number": REP,
        "purpose": Purpose.TRANSFER,
        "decision_id": new_id(),
        "funded_s": 240,
        "issued_at": now,
        "expires_at": now + LIFETIME_S,
    }
    return Permit(**(values | changes))


def url(call_id: UUID, language: str) -> str:
    return f"https://voice.test/{call_id}?language={language}"


async def put_through(redis_url: str, carrier: Carrier, token: str) -> None:
    client = redis.Redis.from_url(redis_url)
    try:
        await Transfers(carrier, client, KEY, url).put_through(token, PLAN, "CA1")
    finally:
        await client.aclose()


async def test_the_carrier_is_told_whom_and_for_how_long(redis_url: str) -> None:
    carrier = Carrier()
    token = seal(permit(), KEY)
    await put_through(redis_url, carrier, token)
    [(sid, transfer)] = carrier.put
    assert (sid, transfer.to_number, transfer.from_number) == ("CA1", REP, PLAN.from_number)
    assert transfer.time_limit_s == 240
    assert transfer.done_url == url(PLAN.call_id, "pt-BR")
    with pytest.raises(NotPutThrough) as caught:
        await put_through(redis_url, carrier, token)
    assert caught.value.reason == "permit_spent"
    assert len(carrier.put) == 1


@pytest.mark.parametrize(
    "change", [{"org_id": new_id()}, {"call_id": new_id()}, {"purpose": Purpose.PROSPECT}, {"expires_at": 1_000}]
)
async def test_a_permit_for_anything_else_puts_nobody_through(change: dict[str, Any], redis_url: str) -> None:
    carrier = Carrier()
    with pytest.raises(NotPutThrough, match="permit_refused"):
        await put_through(redis_url, carrier, seal(permit(**change), KEY))
    with pytest.raises(NotPutThrough, match="permit_refused"):
        await put_through(redis_url, carrier, "no permit at all")
    assert carrier.put == []


async def test_what_the_carrier_refuses_is_told_and_what_is_in_doubt_is_left_alone(redis_url: str) -> None:
    with pytest.raises(NotPutThrough, match="carrier_21220"):
        await put_through(redis_url, Carrier(failure=CarrierRefused("21220")), seal(permit(), KEY))
    await put_through(redis_url, Carrier(failure=CarrierInDoubt("late")), seal(permit(), KEY))


async def test_without_redis_nobody_is_dialled() -> None:
    away = redis.Redis.from_url("redis://127.0.0.1:9/0", socket_connect_timeout=0.2)
    with pytest.raises(PermitRefused, match="redis_away"):
        await spend(permit(), away)
    await away.aclose()
    with pytest.raises(PermitRefused, match="permit_refused"):
        read_permit(seal(permit(), "another secret that no process of ours has ever known"), KEY)
