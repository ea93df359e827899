"""What tokens that are out are worth now: the role their person has, as long as session and membership stand (P6).

Kept in Redis, so that most requests ask no database. Every change counts up a number of the person's, and what was kept
under another number is not believed; while a change is in the making nothing is believed or kept. So a change that has
been answered holds for the next request at every process. Redis away means asking the database. Only a change whose
process cannot reach Redis while others can, or that was lost by a Redis that crashed in the same second, holds after
KEPT_S instead of at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final
from uuid import UUID, uuid4

import structlog
from redis.asyncio import Redis

from crm.bus import REDIS_AWAY
from crm.database import Sessions
from crm.identity.store import PeopleStore
from crm.identity.tokens import Identity
from crm.unit_of_work import UNIT_TIMEOUT_S, UnitOfWork

KEPT_S: Final = 30
# The number outlives all that was kept under it.
NUMBER_KEPT_S: Final = 3_600
# A change whose process died in it is over: no transaction lasts longer.
CHANGE_LASTS_S: Final = int(2 * UNIT_TIMEOUT_S)
# A request waits no longer for what the database would tell as well.
ANSWER_TIMEOUT_S: Final = 0.25
# Redis that was away is asked again after so long.
AWAY_S: Final = 2.0

Ask = Callable[[Identity], Awaitable[str | None]]
"""Returns the role that the person of a token has now, by the database; None: none."""

log = structlog.get_logger()


async def ask_database(sessions: Sessions, person: Identity) -> str | None:
    async with UnitOfWork(sessions) as unit:
        return await PeopleStore(unit).standing(person)


class Standings:
    """`redis` None: the database is asked each time."""

    def __init__(self, ask: Ask, redis: Redis | None = None) -> None:
        self._ask = ask
        self._redis = redis
        self._away_until = 0.0  # the loop's time

    async def role_of(self, person: Identity) -> str | None:
        """Return the role that the person of a token has now; None when session or membership stand no more."""
        number, role = await self._kept(person)
        if role is not None:
            return role
        role = await self._ask(person)
        # Under the number from before the question: whatever changed since has counted up.
        if number is not None and role is not None:
            await self._keep(person, number, role)
        return role

    @asynccontextmanager
    async def changing(self, user_id: UUID) -> AsyncGenerator[None]:
        """Stand around the transaction that changes a person's sessions or memberships, its commit included."""
        mark = uuid4().hex
        await self._tell(partial(self._begin, user_id, mark))
        try:
            yield
        finally:
            await self._tell(partial(self._end, user_id, mark))

    async def _kept(self, person: Identity) -> tuple[str | None, str | None]:
        """Return the person's number, None where nothing may be kept, and the role that was kept under it."""
        if self._redis is None or asyncio.get_running_loop().time() < self._away_until:
            return None, None
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                pipe = self._redis.pipeline(transaction=False)
                pipe.hlen(_changes(person.user_id))
                pipe.get(_number(person.user_id))
                pipe.get(_role(person))
                changes, number, kept = await pipe.execute()
        except REDIS_AWAY as error:
            self._is_away(error)
            return None, None
        if changes:
            return None, None
        current = number.decode() if number is not None else "0"
        told, _, role = kept.decode().partition(":") if kept is not None else ("", "", "")
        return current, role if told == current and role else None

    async def _keep(self, person: Identity, number: str, role: str) -> None:
        async def keep(redis: Redis) -> None:
            await redis.set(_role(person), f"{number}:{role}", ex=KEPT_S)

        await self._tell(keep)

    async def _begin(self, user_id: UUID, mark: str, redis: Redis) -> None:
        pipe = redis.pipeline()
        pipe.hset(_changes(user_id), mark, "1")
        pipe.expire(_changes(user_id), CHANGE_LASTS_S)
        await pipe.execute()

    async def _end(self, user_id: UUID, mark: str, redis: Redis) -> None:
        pipe = redis.pipeline()
        pipe.incr(_number(user_id))
        pipe.expire(_number(user_id), NUMBER_KEPT_S)
        pipe.hdel(_changes(user_id), mark)
        await pipe.execute()

    async def _tell(self, command: Callable[[Redis], Awaitable[None]]) -> None:
        """Tell Redis, which may be away: what the database says stands either way."""
        if self._redis is None:
            return
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await command(self._redis)
        except REDIS_AWAY as error:
            self._is_away(error)

    def _is_away(self, error: Exception) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._away_until > AWAY_S:
            log.warning("standings.redis_away", error=type(error).__name__)
        self._away_until = now + AWAY_S


def _changes(user_id: UUID) -> str:
    return f"standing:{user_id}:changes"


def _number(user_id: UUID) -> str:
    return f"standing:{user_id}:number"


def _role(person: Identity) -> str:
    return f"standing:{person.user_id}:{person.session_id}:{person.org_id}"
