"""Members through the API: roles, suspension, removal, and the admin who always stays."""

import asyncio

import httpx
import pytest

from config.settings import Settings
from crm.database import Sessions
from crm.identity.members import LastAdmin, MemberChange, change_member
from crm.identity.model import User
from crm.permissions import Role
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, add_member, by_database, make_org, token_of
from tests.crm.test_api import data, problem


def bearer(org: Org, settings: Settings) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(org, settings)}"}


async def test_everybody_sees_their_colleagues_and_nobody_elses(
    client: httpx.AsyncClient, settings: Settings, sessions: Sessions, org: Org
) -> None:
    rep = await add_member(sessions, org, Role.REP)
    await make_org(sessions)
    seen = data(await client.get("/api/members", headers=bearer(rep, settings)))
    assert [(member["email"], member["role"], member["status"]) for member in seen] == [
        (org.email, "admin", "active"),
        (rep.email, "rep", "active"),
    ]
    assert "password_hash" not in seen[0]


@pytest.mark.parametrize("role", Role)
async def test_a_role_change_takes_effect_at_once_on_live_tokens(
    role: Role, api: httpx.AsyncClient, client: httpx.AsyncClient, settings: Settings, sessions: Sessions, org: Org
) -> None:
    other = await add_member(sessions, org, Role.REP)
    theirs = bearer(other, settings)
    problem(await client.patch("/api/organisation", json={}, headers=theirs), 403, "forbidden")

    changed = data(await api.patch(f"/api/members/{other.user_id}", json={"role": role.value}))
    assert changed["role"] == role

    answer = await client.patch("/api/organisation", json={}, headers=theirs)
    assert answer.status_code == (200 if role is Role.ADMIN else 403)


async def test_a_suspended_member_is_out_at_once_and_may_come_back(
    api: httpx.AsyncClient, client: httpx.AsyncClient, settings: Settings, sessions: Sessions, org: Org
) -> None:
    other = await add_member(sessions, org, Role.ADMIN)
    theirs = bearer(other, settings)
    data(await client.get("/api/leads", headers=theirs))
    assert data(await api.patch(f"/api/members/{other.user_id}", json={"status": "suspended"}))["role"] == "admin"
    problem(await client.get("/api/leads", headers=theirs), 401, "not_signed_in")
    signing_in = {"email": other.email, "password": other.password}
    problem(await client.post("/api/sessions", json=signing_in), 401, "sign_in_failed")

    await api.patch(f"/api/members/{other.user_id}", json={"status": "active"})
    data(await client.get("/api/leads", headers=theirs))


async def test_who_is_taken_out_is_forgotten_unless_they_belong_elsewhere(
    api: httpx.AsyncClient, client: httpx.AsyncClient, settings: Settings, sessions: Sessions, org: Org
) -> None:
    only_here = await add_member(sessions, org, Role.REP)
    elsewhere = await make_org(sessions)
    both = await add_member(sessions, org, Role.REP, of=elsewhere)
    for gone in (only_here, both):
        assert (await api.delete(f"/api/members/{gone.user_id}")).status_code == 204
        problem(await client.get("/api/leads", headers=bearer(gone, settings)), 401, "not_signed_in")
        problem(await api.delete(f"/api/members/{gone.user_id}"), 404, "member_not_found")
    data(await client.get("/api/leads", headers=bearer(elsewhere, settings)))
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(only_here.user_id)
        assert await unit.session.get(User, only_here.user_id) is None


async def test_the_last_admin_stays(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    suspended = await add_member(sessions, org, Role.ADMIN)
    await api.patch(f"/api/members/{suspended.user_id}", json={"status": "suspended"})
    mine = f"/api/members/{org.user_id}"
    for refused in (
        await api.patch(mine, json={"role": "manager"}),
        await api.patch(mine, json={"status": "suspended"}),
        await api.delete(mine),
    ):
        problem(refused, 409, "last_admin")
    data(await api.patch(mine, json={"role": "admin"}))
    # A second admin who can sign in lets the first one go.
    await api.patch(f"/api/members/{suspended.user_id}", json={"status": "active"})
    assert (await api.delete(mine)).status_code == 204


async def test_two_admins_who_demote_one_another_leave_one(sessions: Sessions, org: Org) -> None:
    other = await add_member(sessions, org, Role.ADMIN)
    demoted = MemberChange(Role.REP)

    async def demote(whom: Org) -> str:
        try:
            await change_member(whom.user_id, demoted, by_database(sessions), UnitOfWork(sessions, org.id))
        except LastAdmin:
            return "refused"
        return "done"

    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(demote(whom)) for whom in (org, other)]
    assert sorted(task.result() for task in both) == ["done", "refused"]


async def test_another_organisations_member_is_not_there(api: httpx.AsyncClient, sessions: Sessions) -> None:
    other = await make_org(sessions)
    problem(await api.patch(f"/api/members/{other.user_id}", json={"role": "rep"}), 404, "member_not_found")
    problem(await api.delete(f"/api/members/{other.user_id}"), 404, "member_not_found")


@pytest.mark.parametrize("body", [{"role": "owner"}, {"status": "gone"}, {"roles": ["admin"]}])
async def test_what_is_no_role_is_refused_by_name(api: httpx.AsyncClient, org: Org, body: dict[str, object]) -> None:
    details = problem(await api.patch(f"/api/members/{org.user_id}", json=body), 400, "invalid_request")
    assert details["fields"][0]["field"] == f"body.{next(iter(body))}"
