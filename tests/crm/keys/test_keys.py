"""API keys through the API: shown once, let in by scope, taken back at once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import delete, text, update

from crm.database import Sessions, utc_now
from crm.identity.model import Member
from crm.keys.model import ApiKey
from crm.keys.secret import make_key
from crm.keys.usecases import KEYS_MAX
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, make_org
from tests.crm.test_api import data, problem


async def key_of(api: httpx.AsyncClient, *scopes: str, **more: Any) -> dict[str, Any]:
    return dict(data(await api.post("/api/keys", json={"name": "till", "scopes": list(scopes), **more}), 201))


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


async def test_a_key_is_shown_once_and_kept_as_a_hash(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    made = await key_of(api, "leads:read", "leads:read")
    assert made["key"].startswith(made["prefix"] + "_")
    assert (made["scopes"], made["active"], made["made_by"]) == (["leads:read"], True, str(org.user_id))
    [listed] = data(await api.get("/api/keys"))
    assert listed == {name: value for name, value in made.items() if name != "key"}
    async with UnitOfWork(sessions, org.id) as unit:
        kept = await unit.session.scalar(text("SELECT to_jsonb(api_keys)::text FROM api_keys"))
    assert made["key"].removeprefix(made["prefix"] + "_") not in kept


async def test_a_key_reaches_what_its_scopes_say(api: httpx.AsyncClient, client: httpx.AsyncClient, org: Org) -> None:
    key = bearer((await key_of(api, "leads:read", "agents:write"))["key"])
    [lead] = data(await client.get("/api/leads", headers=key))
    assert lead["id"] == str(org.lead_id)
    data(await client.post("/api/agents", headers=key, json={"name": "Bo", "playbook": "meeting"}), 201)
    refused = problem(await client.post("/api/leads", headers=key, json={"name": "x"}), 403, "scope_missing")
    assert refused == {"needs": ["leads:write"]}
    problem(await client.get("/api/calls", headers=key), 403, "scope_missing")
    problem(await client.get("/api/keys", headers=key), 403, "not_for_keys")
    problem(await client.get("/api/jobs/dead", headers=key), 403, "scope_missing")
    [listed] = data(await api.get("/api/keys"))
    assert listed["last_used_at"] is not None


async def test_a_key_does_what_its_maker_may_and_no_more(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    key = bearer((await key_of(api, "leads:read", "agents:write"))["key"])
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(update(Member).where(Member.org_id == org.id).values(role="rep"))
        await unit.commit()
    data(await client.get("/api/leads", headers=key))
    problem(await client.post("/api/agents", headers=key, json={}), 403, "forbidden")
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(delete(Member).where(Member.org_id == org.id))
        await unit.commit()
    problem(await client.get("/api/leads", headers=key), 401, "not_signed_in")


async def test_a_revoked_key_is_refused_at_once(api: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    made = await key_of(api, "leads:read")
    data(await client.get("/api/leads", headers=bearer(made["key"])))
    revoked = data(await api.delete(f"/api/keys/{made['id']}"))
    assert (revoked["active"], revoked["revoked_why"]) == (False, "by_person")
    again = data(await api.delete(f"/api/keys/{made['id']}"))
    assert again["revoked_at"] == revoked["revoked_at"]
    problem(await client.get("/api/leads", headers=bearer(made["key"])), 401, "not_signed_in")
    problem(await api.post(f"/api/keys/{made['id']}/rotate", json={}), 409, "key_inactive")


def _of_nobody(key: str, org: Org) -> str:
    return make_key(uuid4()).text


def _of_the_organisation(key: str, org: Org) -> str:
    return make_key(org.id).text


def _with_another_secret(key: str, org: Org) -> str:
    return key[:-1] + ("a" if key[-1] != "a" else "b")


@pytest.mark.parametrize("spoil", [_of_nobody, _of_the_organisation, _with_another_secret, lambda key, org: "sk_live_"])
async def test_what_is_no_key_gets_the_one_answer(
    spoil: Callable[[str, Org], str], api: httpx.AsyncClient, client: httpx.AsyncClient, org: Org
) -> None:
    made = await key_of(api, "leads:read")
    answer = await client.get("/api/leads", headers=bearer(spoil(made["key"], org)))
    assert problem(answer, 401, "not_signed_in") == {}


async def test_a_key_ends_when_it_was_to(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    ends_at = utc_now() + timedelta(hours=1)
    made = await key_of(api, "leads:read", expires_at=ends_at.isoformat())
    data(await client.get("/api/leads", headers=bearer(made["key"])))
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(update(ApiKey).values(expires_at=utc_now()))
        await unit.commit()
    problem(await client.get("/api/leads", headers=bearer(made["key"])), 401, "not_signed_in")
    [listed] = data(await api.get("/api/keys"))
    assert not listed["active"]


async def test_rotation_with_and_without_overlap(api: httpx.AsyncClient, client: httpx.AsyncClient) -> None:
    first = await key_of(api, "leads:read")
    second = data(await api.post(f"/api/keys/{first['id']}/rotate", json={"overlap_s": 3600}), 201)
    assert (second["name"], second["scopes"], second["expires_at"]) == ("till", ["leads:read"], None)
    for key in (first, second):
        data(await client.get("/api/leads", headers=bearer(key["key"])))
    third = data(await api.post(f"/api/keys/{second['id']}/rotate", json={}), 201)
    problem(await client.get("/api/leads", headers=bearer(second["key"])), 401, "not_signed_in")
    data(await client.get("/api/leads", headers=bearer(third["key"])))
    page = await api.get("/api/keys?limit=2")
    assert [key["id"] for key in data(page)] == [third["id"], second["id"]]
    rest = await api.get("/api/keys", params={"cursor": page.json()["pagination"]["next"]})
    assert [(key["id"], key["active"]) for key in data(rest)] == [(first["id"], True)]
    assert rest.json()["pagination"]["next"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "scopes": ["leads:read"]}, "body.name"),
        ({"name": "x", "scopes": []}, "body.scopes"),
        ({"name": "x", "scopes": ["keys:write"]}, "body.scopes.0"),
        ({"name": "x", "scopes": ["leads:read"], "expires_at": "2020-01-01T00:00:00Z"}, "body.expires_at"),
        ({"name": "x", "scopes": ["leads:read"], "expires_at": "2040-01-01T00:00:00"}, "body.expires_at"),
    ],
)
async def test_bad_input_is_named(body: dict[str, Any], field: str, api: httpx.AsyncClient) -> None:
    details = problem(await api.post("/api/keys", json=body), 400, "invalid_request")
    assert [fault["field"] for fault in details["fields"]] == [field]


async def test_another_organisations_key_is_not_there(api: httpx.AsyncClient, sessions: Sessions) -> None:
    other = await make_org(sessions)
    async with UnitOfWork(sessions, other.id) as unit:
        named = {"name": "x", "prefix": "p", "hash": "h", "scopes": ["leads:read"], "made_by": uuid4()}
        key = ApiKey(org_id=other.id, id=uuid4(), **named)
        unit.session.add(key)
        await unit.commit()
    problem(await api.delete(f"/api/keys/{key.id}"), 404, "key_not_found")
    problem(await api.post(f"/api/keys/{key.id}/rotate", json={}), 404, "key_not_found")
    assert data(await api.get("/api/keys")) == []


async def test_there_are_only_so_many(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        for number in range(KEYS_MAX):
            named = {"name": "x", "prefix": str(number), "hash": "h", "scopes": ["leads:read"], "made_by": org.user_id}
            unit.session.add(ApiKey(org_id=org.id, **named))
        await unit.commit()
    answer = await api.post("/api/keys", json={"name": "x", "scopes": ["leads:read"]})
    assert problem(answer, 409, "too_many_keys") == {"max": KEYS_MAX}
