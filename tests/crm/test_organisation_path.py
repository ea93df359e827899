"""The organisation in path, header and token: they agree, or the request is refused."""

from uuid import uuid4

import httpx
import pytest

from config.settings import Settings
from crm.database import Sessions
from crm.identity import cookies
from tests.crm.conftest import Org, make_org, token_of
from tests.crm.test_api import data, problem


async def test_the_path_may_name_the_organisation(api: httpx.AsyncClient, org: Org) -> None:
    plain = data(await api.get("/api/leads"))
    there = f"/api/organisations/{org.id}"
    assert data(await api.get(f"{there}/leads")) == plain
    assert data(await api.get(f"/api/organisations/{str(org.id).upper()}/leads?limit=1")) == plain
    assert data(await api.get(f"{there}/leads/{org.lead_id}"))["name"] == "Dana"
    assert data(await api.get(f"{there}/leads", headers={"X-Tenant-ID": str(org.id)})) == plain


@pytest.mark.parametrize(
    ("in_path", "in_header", "status", "code"),
    [
        ("mine", "other", 400, "tenant_contradiction"),
        ("other", "mine", 400, "tenant_contradiction"),
        ("other", "other", 403, "tenant_mismatch"),
        ("other", None, 403, "tenant_mismatch"),
        (None, "other", 403, "tenant_mismatch"),
        (None, "no id", 403, "tenant_mismatch"),
    ],
)
async def test_what_disagrees_is_refused(
    in_path: str | None,
    in_header: str | None,
    status: int,
    code: str,
    api: httpx.AsyncClient,
    client: httpx.AsyncClient,
    sessions: Sessions,
    org: Org,
) -> None:
    other = await make_org(sessions)
    ids = {"mine": str(org.id), "other": str(other.id)}
    path = f"/api/organisations/{ids[in_path]}/leads" if in_path else "/api/leads"
    headers = {"X-Tenant-ID": ids.get(in_header, in_header)} if in_header else {}
    problem(await api.get(path, headers=headers), status, code)
    problem(await api.post(path, headers=headers, json={"name": "x"}), status, code)
    # Who is not signed in learns nothing of it.
    problem(await client.get(path, headers=headers), 401, "not_signed_in")


async def test_what_is_no_id_is_no_path(api: httpx.AsyncClient, org: Org) -> None:
    for named in ("x", "-" * 36, f"{org.id}x"):
        problem(await api.get(f"/api/organisations/{named}/leads"), 404, "not_found")
    problem(await api.get(f"/api/organisations/{org.id}/nothing"), 404, "not_found")
    problem(await api.get(f"/api/organisations/{uuid4()}/nothing"), 404, "not_found")


async def test_cookies_come_by_that_path_too(client: httpx.AsyncClient, settings: Settings, org: Org) -> None:
    mine = {"Authorization": f"Bearer {token_of(org, settings)}"}
    answer = await client.delete(f"/api/organisations/{org.id}/sessions", headers=mine)
    assert answer.status_code == 204
    left = answer.headers.get_list("set-cookie")
    assert {cookie.partition("=")[0] for cookie in left} == {cookies.ACCESS, cookies.REFRESH}
