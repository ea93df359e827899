"""What tokens are worth, kept in Redis: in force at once, and without the database in between."""

import asyncio
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from config.settings import Settings
from crm.bus import open_redis
from crm.database import Sessions
from crm.identity.standings import CHANGE_LASTS_S, KEPT_S, NUMBER_KEPT_S, Standings
from crm.identity.tokens import Identity
from crm.permissions import Role
from crm.resources import Resources
from crm.unit_of_work import UNIT_TIMEOUT_S
from tests.crm.conftest import Org, add_member, token_of
from tests.crm.test_api import data, problem


class Database:
    """Tells the role it is given, when it is let."""

    def __init__(self) -> None:
        self.role: str | None = "rep"
        self.asked = 0
        self.may_answer = asyncio.Event()
        self.may_answer.set()
        self.is_asked = asyncio.Event()

    async def ask(self, person: Identity) -> str | None:
        role = self.role
        self.asked += 1
        self.is_asked.set()
        await self.may_answer.wait()
        return role


@pytest.fixture
def database() -> Database:
    return Database()


@pytest.fixture
def person() -> Identity:
    return Identity(uuid4(), "ada@example.com", "rep", uuid4(), uuid4())


async def test_the_database_is_asked_once(database: Database, redis: Redis, person: Identity) -> None:
    here, elsewhere = Standings(database.ask, redis), Standings(database.ask, redis)
    assert [await standings.role_of(person) for standings in (here, here, elsewhere)] == ["rep"] * 3
    assert database.asked == 1
    # Another session, another organisation: another question.
    for other in (
        Identity(person.user_id, person.email, "rep", person.org_id, uuid4()),
        Identity(person.user_id, person.email, "rep", uuid4(), person.session_id),
    ):
        await here.role_of(other)
    assert database.asked == 3


async def test_a_change_holds_everywhere_at_once(database: Database, redis: Redis, person: Identity) -> None:
    here, elsewhere = Standings(database.ask, redis), Standings(database.ask, redis)
    await elsewhere.role_of(person)
    for role in ("admin", None, "rep"):
        async with here.changing(person.user_id):
            database.role = role
        assert await elsewhere.role_of(person) == role
        assert await here.role_of(person) == role


async def test_nothing_is_believed_or_kept_while_a_change_is_made(
    database: Database, redis: Redis, person: Identity
) -> None:
    standings = Standings(database.ask, redis)
    await standings.role_of(person)
    async with standings.changing(person.user_id):
        async with standings.changing(person.user_id):
            await standings.role_of(person)
        # The other change is over, this one is not.
        await standings.role_of(person)
        assert database.asked == 3
        database.role = None
    assert await standings.role_of(person) is None


async def test_an_answer_from_before_a_change_is_not_kept_behind_it(
    database: Database, redis: Redis, person: Identity
) -> None:
    """The database was asked before the change, and answers when it is over."""
    standings = Standings(database.ask, redis)
    database.may_answer.clear()
    async with asyncio.TaskGroup() as tasks:
        slow = tasks.create_task(standings.role_of(person))
        await database.is_asked.wait()
        async with standings.changing(person.user_id):
            database.role = None
        database.may_answer.set()
    assert slow.result() == "rep", "it was asked before"
    assert await standings.role_of(person) is None


async def test_a_change_that_fails_leaves_what_was(database: Database, redis: Redis, person: Identity) -> None:
    standings = Standings(database.ask, redis)
    with pytest.raises(RuntimeError):
        async with standings.changing(person.user_id):
            raise RuntimeError
    assert await standings.role_of(person) == "rep"
    assert await standings.role_of(person) == "rep"
    assert database.asked == 1


async def test_who_has_no_standing_is_asked_for_again(database: Database, redis: Redis, person: Identity) -> None:
    standings = Standings(database.ask, redis)
    database.role = None
    assert await standings.role_of(person) is None
    database.role = "rep"
    assert await standings.role_of(person) == "rep"


async def test_nothing_stays_for_ever(database: Database, redis: Redis, person: Identity) -> None:
    standings = Standings(database.ask, redis)
    await standings.role_of(person)
    async with standings.changing(person.user_id):
        times = {key: await redis.ttl(key) async for key in redis.scan_iter("standing:*")}
    assert len(times) == 2, "what is kept, and the change in the making"
    assert all(0 < left <= CHANGE_LASTS_S for left in times.values())
    assert 0 < await redis.ttl(f"standing:{person.user_id}:number") <= NUMBER_KEPT_S
    assert KEPT_S < CHANGE_LASTS_S < NUMBER_KEPT_S
    assert UNIT_TIMEOUT_S < CHANGE_LASTS_S


async def test_without_redis_the_database_is_asked_each_time(database: Database, person: Identity) -> None:
    away = open_redis("redis://127.0.0.1:9/0")
    standings = Standings(database.ask, away)
    async with standings.changing(person.user_id):
        pass
    assert [await standings.role_of(person) for _ in range(3)] == ["rep"] * 3
    assert database.asked == 3
    await away.aclose()


async def test_requests_read_no_standing_and_a_revocation_is_in_force_at_the_next(
    api: httpx.AsyncClient,
    client: httpx.AsyncClient,
    resources: Resources,
    sessions: Sessions,
    settings: Settings,
    org: Org,
) -> None:
    colleague = await add_member(sessions, org, Role.ADMIN)
    theirs = {"Authorization": f"Bearer {token_of(colleague, settings)}"}
    data(await client.get("/api/me", headers=theirs))
    with_standing = await statements(resources.engine, client, theirs)
    assert not any("user_sessions" in statement for statement in with_standing), "nothing is asked of the session"

    data(await api.patch(f"/api/members/{colleague.user_id}", json={"role": "rep"}))
    problem(await client.patch("/api/organisation", json={}, headers=theirs), 403, "forbidden")
    assert (await api.delete(f"/api/members/{colleague.user_id}")).status_code == 204
    problem(await client.get("/api/me", headers=theirs), 401, "not_signed_in")
    mine = api.headers["authorization"]
    data(await client.get("/api/me", headers={"Authorization": mine}))
    assert (await api.delete("/api/sessions")).status_code == 204
    problem(await client.get("/api/me", headers={"Authorization": mine}), 401, "not_signed_in")


async def statements(engine: AsyncEngine, client: httpx.AsyncClient, headers: dict[str, str]) -> list[str]:
    """Return what a request asks of the database."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        data(await client.get("/api/leads", headers=headers))
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)
    assert asked, "the leads themselves are"
    return asked
