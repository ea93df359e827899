"""Limits over HTTP: who is counted with whom, what is told, and what becomes of a key that runs wild."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis
from sqlalchemy import select

from config.settings import Settings
from crm.app import create_app
from crm.database import Sessions
from crm.limits import gate
from crm.limits.gate import Gate
from crm.limits.rules import Rules
from crm.mail.model import PostedLetter
from crm.permissions import Role
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, add_member, make_org, token_of
from tests.crm.keys.test_keys import bearer, key_of
from tests.crm.test_api import data, problem

SMALL = Rules(public="3/hour", organisation="6/hour", keys="5/hour", key="4/hour", leads="3/hour;100/minute")


@pytest.fixture
def limited(settings: Settings, resources: Resources, redis: Redis) -> FastAPI:
    """An application with small limits; nobody's address is exempt but loopback."""
    small = Gate(resources.gate.counts, SMALL, resources.gate.unlimited)
    return create_app(settings, replace(resources, gate=small))


@pytest.fixture
async def outside(limited: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client somewhere on the internet."""
    transport = httpx.ASGITransport(limited, client=("203.0.113.7", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://crm.test") as made:
        yield made


def told(answer: httpx.Response) -> tuple[str, str]:
    return answer.headers["x-ratelimit-limit"], answer.headers["x-ratelimit-remaining"]


async def test_strangers_are_counted_by_address(outside: httpx.AsyncClient, limited: FastAPI, org: Org) -> None:
    wrong = {"email": "nobody@example.com", "password": "x"}
    answer = await outside.post("/api/sessions", json=wrong)
    assert told(answer) == ("3", "2")
    assert int(answer.headers["x-ratelimit-reset"]) % 3600 == 0
    # A credential that is none is no way around.
    problem(await outside.get("/api/leads", headers=bearer("x.y.z")), 401, "not_signed_in")
    problem(await outside.get("/internal/usage", headers=bearer("x")), 401, "not_signed_in")
    for path in ("/api/leads", "/sign-in", "/recordings/x"):
        refused = await outside.get(path)
        assert problem(refused, 429, "too_many_requests")["limit"] == 3
        assert 0 < int(refused.headers["retry-after"]) <= 3600
        assert refused.headers["x-ratelimit-retry-after"] == refused.headers["retry-after"]
    assert (await outside.get("/health/live")).status_code == 200
    transport = httpx.ASGITransport(limited, client=("203.0.113.8", 5000))
    async with httpx.AsyncClient(transport=transport, base_url="http://crm.test") as other:
        assert (await other.get("/sign-in")).status_code == 200


async def test_an_address_that_is_over_shuts_nobody_out_who_is_signed_in(
    outside: httpx.AsyncClient, org: Org, settings: Settings
) -> None:
    for _ in range(4):
        await outside.get("/sign-in")
    answer = await outside.get("/api/agents", headers=bearer(token_of(org, settings)))
    data(answer)
    assert told(answer) == ("6", "5")


async def test_people_are_counted_with_their_organisation_and_by_themselves(
    outside: httpx.AsyncClient, org: Org, sessions: Sessions, settings: Settings
) -> None:
    colleague = await add_member(sessions, org, Role.REP)
    first, second = bearer(token_of(org, settings)), bearer(token_of(colleague, settings))
    for _ in range(3):
        data(await outside.get("/api/leads", headers=first))
    refused = await outside.get(f"/api/leads/{org.lead_id}", headers=first)
    assert problem(refused, 429, "too_many_requests")["limit"] == 3, "leads of this person"
    data(await outside.get("/api/leads", headers=second))
    data(await outside.get("/api/agents", headers=second))
    refused = await outside.get("/api/agents", headers=second)
    assert problem(refused, 429, "too_many_requests")["limit"] == 6, "all people of the organisation"
    other = await make_org(sessions)
    data(await outside.get("/api/agents", headers=bearer(token_of(other, settings))))


async def test_keys_are_counted_apart_from_people(
    outside: httpx.AsyncClient, api: httpx.AsyncClient, org: Org, settings: Settings
) -> None:
    first, second = [bearer((await key_of(api, "agents:read"))["key"]) for _ in range(2)]
    for _ in range(4):
        data(await outside.get("/api/agents", headers=first))
    refused = await outside.get("/api/agents", headers=first)
    assert problem(refused, 429, "too_many_requests")["limit"] == 4
    refused = await outside.get("/api/agents", headers=second)
    assert problem(refused, 429, "too_many_requests")["limit"] == 5, "both keys together"
    data(await outside.get("/api/agents", headers=bearer(token_of(org, settings))))


async def test_a_key_that_runs_wild_is_taken_back_and_the_admin_told(
    outside: httpx.AsyncClient,
    api: httpx.AsyncClient,
    org: Org,
    sessions: Sessions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "KEY_REFUSALS_MAX", 3)
    made = await key_of(api, "agents:read")
    for _ in range(2):
        problem(await outside.get("/api/calls", headers=bearer(made["key"])), 403, "scope_missing")
    data(await outside.get("/api/agents", headers=bearer(made["key"])))
    problem(await outside.get("/api/calls", headers=bearer(made["key"])), 403, "scope_missing")
    problem(await outside.get("/api/agents", headers=bearer(made["key"])), 401, "not_signed_in")
    [listed] = data(await api.get("/api/keys"))
    assert (listed["active"], listed["revoked_why"]) == (False, "ran_wild")
    async with UnitOfWork(sessions, org.id) as unit:
        [letter] = (await unit.session.scalars(select(PostedLetter))).all()
    assert letter.to_address == org.email
    assert made["prefix"] in letter.text


async def test_this_machine_is_not_counted(api: httpx.AsyncClient, limited: FastAPI) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(limited), base_url="http://crm.test") as local:
        answers = [await local.get("/sign-in") for _ in range(8)]
    assert {answer.status_code for answer in answers} == {200}
    assert not any("x-ratelimit-limit" in answer.headers for answer in answers)
