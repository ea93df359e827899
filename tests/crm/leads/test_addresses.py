"""A mail address is one lead's, whoever writes it; those that shared one before are marked."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
from sqlalchemy import select, text

from crm.database import Sessions
from crm.leads.model import Lead
from crm.migrate import downgrade, migrate
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import APP_ROLE, PostgresAddresses
from tests.crm.conftest import Org
from tests.crm.test_api import data, problem

MAIL = "dana@bakery.example"


async def added(api: httpx.AsyncClient, name: str, **more: Any) -> str:
    return str(data(await api.post("/api/leads", json={"name": name, **more}), 201)["id"])


async def doubled(org: Org, sessions: Sessions, name: str, email: str = MAIL) -> UUID:
    """Return a lead that shares an address, as there were before."""
    async with UnitOfWork(sessions, org.id) as unit:
        lead_id = uuid4()
        unit.session.add(Lead(org_id=org.id, id=lead_id, name=name, email=email, email_twin=lead_id))
        await unit.commit()
    return lead_id


async def marked(org: Org, sessions: Sessions, email: str = MAIL) -> dict[str, bool]:
    async with UnitOfWork(sessions, org.id) as unit:
        leads = await unit.session.scalars(select(Lead).where(Lead.email == email))
        return {lead.name: lead.email_doubled for lead in leads}


async def test_a_second_lead_of_an_address_is_refused_and_the_first_one_named(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    first, other = await added(api, "Dana", email=MAIL), await added(api, "Eli", email="eli@example.com")
    taken = {"field": "body.email", "lead_id": first}
    for sent in (MAIL, " DANA@Bakery.Example "):
        body = {"name": "Dana again", "email": sent}
        assert problem(await api.post("/api/leads", json=body), 409, "lead_exists") == taken
        assert problem(await api.put(f"/api/leads/{other}", json=body), 409, "lead_exists") == taken
    kept = data(await api.put(f"/api/leads/{first}", json={"name": "Dana", "email": MAIL}))
    assert (kept["email"], kept["email_doubled"]) == (MAIL, False)
    data(await api.put(f"/api/leads/{first}", json={"name": "Dana", "email": "new@example.com"}))
    await added(api, "Somebody else", email=MAIL)


async def test_of_two_that_come_at_once_the_second_is_refused(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    async with asyncio.TaskGroup() as tasks, UnitOfWork(sessions, org.id) as writing:
        first = Lead(org_id=org.id, id=uuid4(), name="Dana", email=MAIL)
        writing.session.add(first)
        await writing.session.flush()
        body = {"name": "Eli", "email": MAIL}
        late = [
            tasks.create_task(api.post("/api/leads", json=body, headers={"Idempotency-Key": "one"})),
            tasks.create_task(api.put(f"/api/leads/{org.lead_id}", json=body)),
        ]
        done, _ = await asyncio.wait(late, timeout=0.3)
        assert not done, "they wait for the first one's end"
        await writing.commit()
    for answer in late:
        assert problem(answer.result(), 409, "lead_exists")["lead_id"] == str(first.id)
    assert await marked(org, sessions) == {"Dana": False}


async def test_whoever_shared_an_address_gets_it_when_the_other_one_gives_it_up(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    first = await added(api, "first", email=MAIL)
    second, third = await doubled(org, sessions, "second"), await doubled(org, sessions, "third")
    assert data(await api.get(f"/api/leads/{second}"))["email_doubled"] is True
    # Changed otherwise, it keeps its mark.
    data(await api.put(f"/api/leads/{third}", json={"name": "third", "email": MAIL, "company": "x"}))
    assert await marked(org, sessions) == {"first": False, "second": True, "third": True}
    data(await api.put(f"/api/leads/{first}", json={"name": "first"}))
    assert await marked(org, sessions) == {"second": False, "third": True}
    assert (await api.delete(f"/api/leads/{second}")).status_code == 204
    assert await marked(org, sessions) == {"third": False}
    taken = await api.post("/api/leads", json={"name": "x", "email": MAIL})
    assert problem(taken, 409, "lead_exists")["lead_id"] == str(third)


async def test_merging_two_of_one_address_leaves_one_that_has_it(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    first, second = await added(api, "first", email=MAIL), await doubled(org, sessions, "second")
    done = data(await api.post(f"/api/leads/{second}/merge", json={"gone_id": first, "choices": {}}))
    assert await marked(org, sessions) == {"second": False}
    data(await api.post(f"/api/merges/{done['merge_id']}/undo"))
    assert sorted((await marked(org, sessions)).values()) == [False, True]


async def test_an_address_goes_over_and_comes_back_with_a_merge(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    gone = await added(api, "Eli", email=MAIL)
    done = data(await api.post(f"/api/leads/{org.lead_id}/merge", json={"gone_id": gone, "choices": {}}))
    assert (done["email"], done["email_doubled"]) == (MAIL, False)
    data(await api.post(f"/api/merges/{done['merge_id']}/undo"))
    assert await marked(org, sessions) == {"Eli": False}
    # Taken by another lead meanwhile, it comes back beside that one.
    done = data(await api.post(f"/api/leads/{org.lead_id}/merge", json={"gone_id": gone, "choices": {}}))
    data(await api.put(f"/api/leads/{org.lead_id}", json={"name": "Dana"}))
    await added(api, "new", email=MAIL)
    data(await api.post(f"/api/merges/{done['merge_id']}/undo"))
    assert await marked(org, sessions) == {"new": False, "Eli": True}


async def test_a_shared_address_is_taken_over_as_a_shared_one(
    api: httpx.AsyncClient, org: Org, sessions: Sessions
) -> None:
    await added(api, "first", email=MAIL)
    second = await doubled(org, sessions, "second")
    data(await api.post(f"/api/leads/{org.lead_id}/merge", json={"gone_id": str(second), "choices": {}}))
    assert await marked(org, sessions) == {"first": False, "Dana": True}


def test_those_that_share_an_address_survive_the_migration(empty_database: PostgresAddresses) -> None:
    migrate(empty_database.owner_url, APP_ROLE)
    downgrade(empty_database.owner_url, "r0037")
    with psycopg.connect(empty_database.admin_url.replace("+psycopg", ""), autocommit=True) as admin:
        for org in ("one", "other"):
            admin.execute("INSERT INTO organisations (id, name, slug) VALUES (gen_random_uuid(), %s, %s)", (org, org))
        rows = [("Ana", MAIL), ("ana", MAIL), ("Bo", MAIL), ("Cy", "cy@x.com"), ("no", None), ("none", None), ("e", "")]
        for org in ("one", "other"):
            for age, (name, email) in enumerate(rows):
                admin.execute(
                    """INSERT INTO leads (org_id, id, name, email, created_at)
                    SELECT id, gen_random_uuid(), %s, %s, now() + %s * interval '1 day' FROM organisations
                    WHERE name = %s""",
                    (name, email, age, org),
                )
        migrate(empty_database.owner_url, APP_ROLE)
        kept = admin.execute("""SELECT l.name, l.email, l.email_twin IS NOT NULL FROM leads l
            JOIN organisations o ON o.id = l.org_id WHERE o.name = 'one' ORDER BY l.created_at""").fetchall()
        suggested = admin.execute("""SELECT count(*), min(score), max(score), min(reasons::text)
            FROM merge_suggestions""").fetchone()
    marks = [False, True, True, False, False, False, False]
    assert kept == [(name, email or None, mark) for (name, email), mark in zip(rows, marks, strict=True)]
    assert suggested == (4, 70, 100, '["email"]')


async def test_an_address_is_found_by_its_index(org: Org, sessions: Sessions) -> None:
    asked = text("EXPLAIN SELECT id FROM leads WHERE org_id = :org AND email = :email")
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = await unit.session.execute(asked, {"org": org.id, "email": MAIL})
        assert "email_email_twin_idx" in "\n".join(plan.scalars().all())
