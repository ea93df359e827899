"""Founding organisations through the API."""

from collections.abc import AsyncIterator
from dataclasses import replace
from uuid import UUID, uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import func, select, text

from config.settings import DEVELOPMENT_SECRET as KEY
from config.settings import Settings
from crm.app import create_app
from crm.billing.model import Account
from crm.database import Sessions
from crm.identity.model import Member, Organisation
from crm.identity.usecases import sign_in
from crm.invitations.usecases import accept
from crm.jobs.running import do_what_waits
from crm.mail.model import PostedLetter
from crm.resources import Resources
from crm.sign_up.usecases import PER_ADDRESS_MAX, slug_of
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, token_of
from tests.crm.invitations.test_usecases import BOB, PLANS
from tests.crm.jobs.desk import work_of
from tests.crm.mail.letters import letters_to, token_in
from tests.crm.test_api import data, problem


@pytest.fixture
async def open_to_all(settings: Settings, resources: Resources) -> AsyncIterator[httpx.AsyncClient]:
    """A stranger's client of a server where anybody may found an organisation."""
    app = create_app(settings, replace(resources, sign_up_open=True))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://crm.test", headers={"Origin": "http://crm.test"}
    ) as made:
        yield made


async def waiting(sessions: Sessions) -> list[UUID]:
    """Return the organisations that are forgotten when nobody comes."""
    async with UnitOfWork(sessions) as unit:
        found = text("SELECT args->>'org_id' FROM procrastinate_jobs WHERE task_name = 'sign_up.forget' ORDER BY id")
        return [UUID(org_id) for org_id in await unit.session.scalars(found)]


@pytest.fixture(autouse=True)
async def no_jobs(sessions: Sessions) -> None:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()


async def letter_of(org_id: UUID, sessions: Sessions) -> PostedLetter:
    async with UnitOfWork(sessions, org_id) as unit:
        return (await unit.session.scalars(select(PostedLetter))).one()


@pytest.mark.parametrize("known", [True, False])
async def test_whoever_signs_up_is_asked_by_mail_and_nobody_learns_who_is_known(
    known: bool, open_to_all: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    email = org.email if known else f"{uuid4().hex}@example.net"
    answer = await open_to_all.post("/api/sign-ups", json={"name": "Padaria", "email": email})
    assert (data(answer, 202), answer.json()["message"]) == (None, "A letter with a link is on its way")
    [org_id] = await waiting(sessions)
    letter = await letter_of(org_id, sessions)
    assert letter.to_address == email
    asked = await accept(token_in(letter, KEY), BOB, PLANS, sessions, KEY)
    assert (asked.organisation, asked.role, asked.known) == ("Padaria", "admin", known)
    async with UnitOfWork(sessions, org_id) as unit:
        # What features begin with is there.
        assert await unit.session.scalar(select(func.count()).select_from(Account)) == 5


async def test_an_organisation_that_nobody_came_to_is_forgotten(
    open_to_all: httpx.AsyncClient, sessions: Sessions, redis: Redis, postgres: PostgresAddresses
) -> None:
    emails = [f"{uuid4().hex}@example.net" for _ in range(2)]
    for email in emails:
        await open_to_all.post("/api/sign-ups", json={"name": "Padaria", "email": email})
    came, nobody = await waiting(sessions)
    await accept(token_in(await letter_of(came, sessions), KEY), BOB, PLANS, sessions, KEY)
    async with UnitOfWork(sessions) as unit:
        # Two days later.
        later = "UPDATE procrastinate_jobs SET scheduled_at = now() WHERE task_name = 'sign_up.forget'"
        await unit.session.execute(text(later))
        await unit.session.execute(text("DELETE FROM procrastinate_jobs WHERE task_name <> 'sign_up.forget'"))
        await unit.commit()
    await do_what_waits(work_of(sessions, postgres.app_url, redis))
    for org_id, there in ((came, True), (nobody, False)):
        async with UnitOfWork(sessions, org_id) as unit:
            assert (await unit.session.get(Organisation, org_id) is not None) == there


async def test_an_address_gets_so_many_letters(open_to_all: httpx.AsyncClient, sessions: Sessions) -> None:
    body = {"name": "Padaria", "email": f"{uuid4().hex}@example.net"}
    answers = [await open_to_all.post("/api/sign-ups", json=body) for _ in range(PER_ADDRESS_MAX + 2)]
    assert {answer.status_code for answer in answers} == {202}
    assert len(await waiting(sessions)) == PER_ADDRESS_MAX


async def test_it_is_closed_unless_the_operator_opens_it(api: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    problem(await client.post("/api/sign-ups", json={"name": "x", "email": "a@example.com"}), 403, "sign_up_closed")
    problem(await api.post("/api/organisations", json={"name": "x"}), 403, "sign_up_closed")


async def test_somebody_who_is_signed_in_founds_one_more_and_switches_to_it(
    open_to_all: httpx.AsyncClient, sessions: Sessions, settings: Settings, org: Org
) -> None:
    mine = {"Authorization": f"Bearer {token_of(org, settings)}"}
    made = data(await open_to_all.post("/api/organisations", json={"name": "Second"}, headers=mine), 201)
    await open_to_all.post("/api/sessions", json={"email": org.email, "password": org.password})
    there = data(await open_to_all.post("/api/sessions/refresh", json={"organisation_id": made["id"]}))
    assert (there["organisation_id"], there["role"]) == (made["id"], "admin")
    assert (await sign_in(org.email, org.password, sessions, KEY)).identity.org_id == org.id, (
        "the first one stays first"
    )


async def test_the_operator_founds_one_for_somebody(
    client: httpx.AsyncClient, resources: Resources, sessions: Sessions, org: Org
) -> None:
    body = {"name": "Padaria", "email": org.email}
    problem(await client.post("/internal/organisations", json=body), 401, "not_signed_in")
    operator = {"Authorization": f"Bearer {resources.internal_key}"}
    made = data(await client.post("/internal/organisations", json=body, headers=operator), 201)
    assert (await letter_of(UUID(made["id"]), sessions)).to_address == org.email
    assert await letters_to(org.email, org, sessions) == []
    assert await waiting(sessions) == [], "the operator's stay"
    site, _, token = made["link"].partition("?token=")
    assert site == f"{resources.site_url}/invitation"
    await accept(token, BOB, PLANS, sessions, KEY)
    async with UnitOfWork(sessions, UUID(made["id"])) as unit:
        assert (await unit.session.scalars(select(Member.role))).all() == ["admin"], "whoever has the link comes in"

    problem(await client.get("/internal/organisations"), 401, "not_signed_in")
    listed, after = [], None
    while True:
        query = {"limit": "2"} | ({"after": after} if after else {})
        page = data(await client.get("/internal/organisations", params=query, headers=operator))
        listed += page["organisations"]
        after = page["next"]
        if after is None:
            break
    assert len({one["id"] for one in listed}) == len(listed)
    (found,) = [one for one in listed if one["id"] == made["id"]]
    assert (found["name"], found["members"]) == ("Padaria", 1)
    assert org.id in [UUID(one["id"]) for one in listed]


@pytest.mark.parametrize(
    ("name", "begins"),
    [("Padaria Pão & Cia.", "padaria-pao-cia-"), ("日本", "org-"), ("--", "org-"), ("x" * 99, "x" * 40)],
)
def test_slugs_are_plain_and_never_twice(name: str, begins: str) -> None:
    first, second = slug_of(name), slug_of(name)
    assert first != second
    assert first.startswith(begins)
    assert all(sign.isascii() and (sign.isalnum() or sign == "-") for sign in first)
