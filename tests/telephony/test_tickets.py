"""A ticket lets somebody in once, at one node, within its minute."""

import time
from collections.abc import AsyncIterator

import pytest
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from events.ids import new_id
from events.ticket import LIFETIME_S, Seat, Ticket, seal
from telephony.tickets import TicketRefused, use_ticket
from tests.telephony.stage import free_port

KEY = "a-key-of-thirty-two-characters-or-more"


@pytest.fixture
async def store(redis_url: str) -> AsyncIterator[redis.Redis]:
    client = redis.Redis.from_url(redis_url)
    yield client
    await client.aclose()


def token(lifetime_s: int = LIFETIME_S) -> str:
    now = int(time.time())
    names = new_id(), new_id(), new_id(), new_id()
    return seal(Ticket(*names, "Ada", "rep", new_id(), Seat.REP, now, now + lifetime_s), KEY)


async def test_it_is_used_once(store: redis.Redis) -> None:
    one = token()
    assert (await use_ticket(one, KEY, store)).name == "Ada"
    with pytest.raises(TicketRefused, match="ticket_used"):
        await use_ticket(one, KEY, store)


async def test_what_is_no_ticket_lets_nobody_in(store: redis.Redis) -> None:
    for other in ("garbage", token(lifetime_s=0)):
        with pytest.raises(TicketRefused, match="ticket_refused"):
            await use_ticket(other, KEY, store)


async def test_without_redis_nobody_comes_in() -> None:
    away = redis.Redis(port=free_port(), retry=Retry(NoBackoff(), 0))
    with pytest.raises(TicketRefused, match="redis_away"):
        await use_ticket(token(), KEY, away)
    await away.aclose()
