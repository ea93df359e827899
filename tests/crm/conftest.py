"""What the CRM's tests share: the pool, a Redis of their own, and a fresh organisation for each test."""

import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from redis.asyncio import Redis
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine

from config.settings import DEVELOPMENT_SECRET, Settings
from crm.agents.model import Agent
from crm.app import create_app
from crm.billing.ledger import Ledger
from crm.bus import open_redis
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.model import EventCursor
from crm.compliance.calling_hours import keep_hours
from crm.compliance.hours import ALWAYS
from crm.database import Sessions, open_engine, open_sessions
from crm.identity.hashing import hash_password
from crm.identity.model import Member, User
from crm.identity.sessions import Device, open_session
from crm.identity.standings import Standings, ask_database
from crm.identity.store import Membership
from crm.identity.tokens import Identity, issue
from crm.identity.usecases import NewOrganisation, found_organisation
from crm.leads.model import Lead
from crm.permissions import Role
from crm.resources import Resources, open_resources
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import credits_to_milli
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.fake_node import CallScript, FakeNode

# Of the session's Redis; other tests use other numbers.
REDIS_NUMBER = 5
CREDITS = 500
NUMBER = "+12025550142"
PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Org:
    """One organisation with an admin, an agent, a lead and credits."""

    id: UUID
    user_id: UUID
    email: str
    password: str
    lead_id: UUID
    agent_id: UUID
    session_id: UUID


@pytest.fixture
async def engine(postgres: PostgresAddresses) -> AsyncIterator[AsyncEngine]:
    made = open_engine(postgres.app_url)
    yield made
    await made.dispose()


@pytest.fixture
def sessions(engine: AsyncEngine) -> Sessions:
    return open_sessions(engine)


@pytest.fixture
def own_redis_url(redis_url: str) -> str:
    return redis_url.rpartition("/")[0] + f"/{REDIS_NUMBER}"


@pytest.fixture
async def redis(own_redis_url: str) -> AsyncIterator[Redis]:
    client = open_redis(own_redis_url)
    await client.flushdb()
    yield client
    await client.aclose()


@pytest.fixture
async def org(sessions: Sessions) -> Org:
    return await make_org(sessions)


@pytest.fixture
def settings(postgres: PostgresAddresses, own_redis_url: str, tmp_path: Path) -> Settings:
    return Settings(
        database_url=SecretStr(postgres.app_url), redis_url=SecretStr(own_redis_url), data_dir=tmp_path / "data"
    )


@pytest.fixture
def config_folder(tmp_path: Path) -> Path:
    """The operator's files, with a playbook that is only looked at by voice nodes."""
    repository = Path(__file__).parents[2]
    folder = tmp_path / "config"
    (folder / "playbooks").mkdir(parents=True)
    for name in ("prices.yaml", "plans.yaml", "compliance.yaml"):
        (folder / name).write_text((repository / "config" / name).read_text())
    (folder / "playbooks" / "meeting.yaml").write_text("name: meeting\nsteps: []\n")
    return folder


@pytest.fixture
async def resources(settings: Settings, config_folder: Path, redis: Redis) -> AsyncIterator[Resources]:
    made = open_resources(settings, config_folder)
    yield made
    await made.aclose()


@pytest.fixture
def app(settings: Settings, resources: Resources) -> FastAPI:
    return create_app(settings, resources)


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A browser or API client without a session."""
    # As browsers do with all that may change something.
    headers = {"Origin": "http://crm.test"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://crm.test", headers=headers
    ) as made:
        yield made


@pytest.fixture
async def api(app: FastAPI, settings: Settings, org: Org) -> AsyncIterator[httpx.AsyncClient]:
    """A client that acts as `org`'s admin."""
    headers = {"Authorization": f"Bearer {token_of(org, settings)}"}
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://crm.test", headers=headers
    ) as made:
        yield made


@pytest.fixture
async def node(redis: Redis, settings: Settings) -> AsyncIterator[FakeNode]:
    """A voice node that takes every call."""
    async with FakeNode(redis, settings.secret_key.get_secret_value()).running() as made:
        yield made


@pytest.fixture
async def consumer(sessions: Sessions, redis: Redis) -> EventConsumer:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(delete(EventCursor))
        await unit.commit()
    return EventConsumer(sessions, redis, block_ms=10)


@pytest.fixture
async def script(resources: Resources, node: FakeNode, org: Org) -> CallScript:
    """The events of a call that has been placed."""
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    return CallScript(org.id, answer.call_id)


def token_of(org: Org, settings: Settings, issued_s: int | None = None) -> str:
    identity = Identity(org.user_id, org.email, "admin", org.id, org.session_id)
    return issue(identity, settings.secret_key.get_secret_value(), issued_s or int(time.time()))


async def make_org(sessions: Sessions, *, credit: float = CREDITS, number: str = NUMBER) -> Org:
    """Return a new organisation."""
    mark = secrets.token_hex(6)
    email = f"{mark}@example.com"
    async with UnitOfWork(sessions, new_id()) as unit:
        user = await found_organisation(NewOrganisation(f"Org {mark}", mark, "Ada", email, _password_hash()), unit)
        # Tests run at any hour.
        await keep_hours(ALWAYS, unit)
        if credit:
            await Ledger(unit).fund(credits_to_milli(credit), "fund:test")
        agent = Agent(org_id=unit.org_id, id=new_id(), name="Alex", playbook="meeting")
        lead = Lead(org_id=unit.org_id, id=new_id(), name="Dana", company="Bakery", phone=number)
        unit.session.add_all([agent, lead])
        session_id = await _open_session(unit, user.id)
        await unit.commit()
        return Org(unit.org_id, user.id, email, PASSWORD, lead.id, agent.id, session_id)


def by_database(sessions: Sessions) -> Standings:
    """Return what tokens are worth, asked of the database each time."""
    return Standings(partial(ask_database, sessions))


async def add_member(sessions: Sessions, org: Org, role: Role, of: Org | None = None) -> Org:
    """Return `org` as a new member sees it, or as the person of `of` does, who belongs to it from now on too."""
    email = f"{secrets.token_hex(6)}@example.com"
    async with UnitOfWork(sessions, org.id) as unit:
        user_id = of.user_id if of is not None else new_id()
        if of is None:
            unit.session.add(User(id=user_id, email=email, full_name="Bob", password_hash=_password_hash()))
            await unit.session.flush()
        unit.session.add(Member(org_id=org.id, user_id=user_id, role=role.value))
        session_id = await _open_session(unit, user_id)
        await unit.commit()
    return replace(org, user_id=user_id, email=of.email if of is not None else email, session_id=session_id)


async def become(role: Role, org: Org, resources: Resources) -> None:
    """Give the organisation's person another role; their tokens have it at once."""
    async with resources.standings.changing(org.user_id), UnitOfWork(resources.sessions, org.id) as unit:
        (await unit.session.get_one(Member, (org.id, org.user_id))).role = role.value
        await unit.commit()


async def _open_session(unit: UnitOfWork, user_id: UUID) -> UUID:
    await unit.act_as_user(user_id)
    user = await unit.session.get_one(User, user_id)
    opened = await open_session(user, Membership(unit.org_id, "admin"), Device(), unit, DEVELOPMENT_SECRET)
    assert opened.identity.session_id is not None
    return opened.identity.session_id


@cache
def _password_hash() -> str:
    # A good hash costs time, and here hundreds are made.
    return hash_password(PASSWORD)
