"""Prompts over the API: versions, which one is in force, and the way back."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from crm.database import Sessions
from crm.permissions import Role
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, become, make_org
from tests.crm.test_api import data, problem

DRAFT = {"template": "You sell {offer} to {prospect_name}.", "variables": {"offer": "lamps"}}


async def write(api: httpx.AsyncClient, slug: str = "sales", **changes: Any) -> Any:
    return data(await api.post("/api/prompts", json={"slug": slug} | DRAFT | changes), 201)


async def add(api: httpx.AsyncClient, template: str, slug: str = "sales", **changes: Any) -> Any:
    return data(await api.post(f"/api/prompts/{slug}/versions", json={"template": template} | changes), 201)


async def active(api: httpx.AsyncClient, slug: str = "sales") -> str:
    return str(data(await api.get(f"/api/prompts/{slug}"))["active"])


async def test_a_prompt_begins_with_a_version_that_is_in_force(api: httpx.AsyncClient) -> None:
    made = await write(api)
    assert (made["active"], made["shares"]) == ("1.0", {})
    [version] = made["versions"]
    assert (version["version"], version["template"], version["variables"]) == ("1.0", *DRAFT.values())
    assert data(await api.get("/api/prompts/sales")) == made
    assert [prompt["slug"] for prompt in data(await api.get("/api/prompts"))] == ["sales"]
    assert data(await api.get("/api/prompts/sales/text")) == {
        "version": "1.0",
        "text": DRAFT["template"],
        "variables": {"offer": "lamps"},
    }


async def test_versions_count_up_and_wait_to_be_put_in_force(api: httpx.AsyncClient) -> None:
    await write(api)
    assert (await add(api, "second"))["version"] == "1.1"
    assert (await add(api, "third", major=True))["version"] == "2.0"
    assert (await add(api, "fourth", activate=True))["active"] == "2.1"
    assert (await add(api, "fifth"))["active"] == "2.1"
    shown = data(await api.get("/api/prompts/sales"))
    assert [version["version"] for version in shown["versions"]] == ["2.2", "2.1", "2.0", "1.1", "1.0"]

    for wanted, said in [("latest", "fourth"), ("1.1", "second"), ("2.2", "fifth")]:
        told = data(await api.get("/api/prompts/sales/text", params={"version": wanted}))
        assert told["text"] == said
    problem(await api.get("/api/prompts/sales/text?version=7.0"), 404, "prompt_version_not_found")
    problem(await api.get("/api/prompts/sales/text?version=new"), 404, "prompt_version_not_found")
    problem(await api.get("/api/prompts/other/text"), 404, "prompt_not_found")


async def test_going_back_goes_further_back_each_time(api: httpx.AsyncClient) -> None:
    await write(api)
    for text_ in ("b", "c"):
        await add(api, text_, activate=True)
    await add(api, "never in force")
    for before in ("1.1", "1.0"):
        told = data(await api.post("/api/prompts/sales/rollback"))
        assert told["active"] == before
        assert await active(api) == before
    assert problem(await api.post("/api/prompts/sales/rollback"), 409, "no_previous_version") == {"active": "1.0"}
    data(await api.put("/api/prompts/sales/active", json={"version": "1.2"}))
    data(await api.put("/api/prompts/sales/active", json={"version": "1.2"}))  # repeated: nothing to undo
    assert data(await api.post("/api/prompts/sales/rollback"))["active"] == "1.0"


async def test_a_comparison_ends_with_a_roll_back_to_what_was_in_force(api: httpx.AsyncClient) -> None:
    await write(api)
    await add(api, "b")
    told = data(await api.put("/api/prompts/sales/shares", json={"shares": {"1.0": 30, "1.1": 70}}))
    assert (told["active"], told["shares"]) == ("1.0", {"1.0": 30, "1.1": 70})
    told = data(await api.post("/api/prompts/sales/rollback"))
    assert (told["active"], told["shares"]) == ("1.0", {})

    await api.put("/api/prompts/sales/shares", json={"shares": {"1.0": 30, "1.1": 70}})
    told = data(await api.put("/api/prompts/sales/active", json={"version": "1.1"}))
    assert (told["active"], told["shares"]) == ("1.1", {}), "the winner is put in force, and the comparison is over"


@pytest.mark.parametrize(
    ("body", "field", "why"),
    [
        ({"template": "Hi {ofer}"}, "template", "{ofer} is not known"),
        ({"template": "Hi {Offer}"}, "template", "small letters"),
        ({"template": ""}, "template", "at least 1"),
        ({"template": "a\x00"}, "template", "pattern"),
        ({"template": "x" * 20_001}, "template", "20000"),
        ({"template": "x", "variables": {"A b": "c"}}, "variables.A b.[key]", "pattern"),
        ({"template": "x", "variables": {"a": "c" * 501}}, "variables.a", "500"),
        ({"template": "x", "nope": 1}, "nope", "not permitted"),
    ],
)
async def test_what_cannot_be_saved_is_named(
    body: dict[str, Any], field: str, why: str, api: httpx.AsyncClient
) -> None:
    await write(api)
    for path, more in (("/api/prompts", {"slug": "other"}), ("/api/prompts/sales/versions", {})):
        [fault] = problem(await api.post(path, json=body | more), 400, "invalid_request")["fields"]
        assert fault["field"] == f"body.{field}"
        assert why in fault["fault"]
    assert len(data(await api.get("/api/prompts/sales"))["versions"]) == 1


@pytest.mark.parametrize(
    ("shares", "why"),
    [({"1.0": 50, "1.1": 49}, "add up to 99"), ({"1.0": 100}, "two versions"), ({"x": 1, "y": 99}, "1.2")],
)
async def test_shares_that_make_no_whole_are_refused(shares: dict[str, int], why: str, api: httpx.AsyncClient) -> None:
    await write(api)
    await add(api, "b")
    refused = await api.put("/api/prompts/sales/shares", json={"shares": shares})
    [fault] = problem(refused, 400, "invalid_request")["fields"]
    assert fault["field"] == "body.shares"
    assert why in fault["fault"]
    gone = await api.put("/api/prompts/sales/shares", json={"shares": {"1.0": 50, "9.0": 50}})
    problem(gone, 404, "prompt_version_not_found")


async def test_a_name_is_given_once_in_an_organisation(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions
) -> None:
    await write(api)
    problem(await api.post("/api/prompts", json={"slug": "sales"} | DRAFT), 409, "prompt_exists")
    other = await make_org(sessions)
    token = data(await client.post("/api/sessions", json={"email": other.email, "password": other.password}), 201)
    theirs = {"Authorization": f"Bearer {token['token']}"}
    problem(await client.get("/api/prompts/sales", headers=theirs), 404, "prompt_not_found")
    data(await client.post("/api/prompts", json={"slug": "sales"} | DRAFT, headers=theirs), 201)


async def test_only_admins_change_what_agents_say(api: httpx.AsyncClient, resources: Resources, org: Org) -> None:
    await write(api)
    await become(Role.SUPERVISOR, org, resources)
    data(await api.get("/api/prompts/sales"))
    for method, path, body in [
        ("POST", "/api/prompts", {"slug": "more"} | DRAFT),
        ("POST", "/api/prompts/sales/versions", DRAFT),
        ("PUT", "/api/prompts/sales/active", {"version": "1.0"}),
        ("PUT", "/api/prompts/sales/shares", {"shares": {"1.0": 50, "1.1": 50}}),
        ("POST", "/api/prompts/sales/rollback", None),
    ]:
        problem(await api.request(method, path, json=body), 403, "forbidden")


async def test_a_version_cannot_be_changed_even_by_us(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    await write(api)
    for statement in ("UPDATE prompt_versions SET template = 'x'", "DELETE FROM prompt_activations"):
        with pytest.raises(DBAPIError, match="permission denied"):
            async with UnitOfWork(sessions, org.id) as unit:
                await unit.session.execute(text(statement))
