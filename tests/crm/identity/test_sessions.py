"""Sessions through the API: refreshing, two tabs, a copied token, the list, and the end."""

import asyncio
from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from sqlalchemy import func, select

from config.settings import Settings
from crm.database import Sessions, utc_now
from crm.identity import cookies
from crm.identity.model import UserSession
from crm.identity.refresh_tokens import GRACE, IDLE, LIFETIME
from crm.identity.session_store import SESSIONS_MAX
from crm.identity.sessions import Device, NotSignedIn, SignedIn, refresh
from crm.identity.tokens import LIFETIME_S, Identity, read
from crm.identity.usecases import identify, sign_in
from crm.permissions import Role
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org, add_member, by_database, make_org, token_of
from tests.crm.test_api import data, problem

KEY = "a-key-that-is-long-enough-for-hs256-0000"


async def change(sessions: Sessions, person: Identity, **columns: object) -> None:
    """Set columns of a session's row, as time would."""
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(person.user_id)
        row = await unit.session.get_one(UserSession, person.session_id)
        for name, value in columns.items():
            setattr(row, name, value)
        await unit.commit()


async def count(sessions: Sessions, org: Org) -> int:
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(org.user_id)
        return int(await unit.session.scalar(select(func.count()).select_from(UserSession)) or 0)


async def sign(client: httpx.AsyncClient, org: Org) -> str:
    """Sign in as a browser does; return the access token."""
    answer = await client.post("/api/sessions", json={"email": org.email, "password": org.password})
    return str(data(answer, 201)["token"])


async def exchange(token: str, sessions: Sessions, org_id: UUID | None = None) -> SignedIn:
    return await refresh(token, org_id, sessions, by_database(sessions), KEY)


async def who(token: str, sessions: Sessions) -> Identity:
    return await identify(token, by_database(sessions), KEY)


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_session_goes_on_with_its_cookie(client: httpx.AsyncClient, org: Org, settings: Settings) -> None:
    token = await sign(client, org)
    before = client.cookies[cookies.REFRESH]
    answer = await client.post("/api/sessions/refresh")
    after = data(answer)
    assert (after["expires_in_s"], after["organisation_id"], after["role"]) == (LIFETIME_S, str(org.id), "admin")
    assert client.cookies[cookies.REFRESH] != before
    (left,) = answer.headers.get_list("set-cookie")
    assert "httponly" in left.lower()
    assert "samesite=strict" in left.lower()
    assert "secure" not in left.lower(), "a browser would not send it back over http"
    key = settings.secret_key.get_secret_value()
    assert read(after["token"], key, 0).session_id == read(token, key, 0).session_id
    data(await client.get("/api/leads", headers=bearer(after["token"])))


async def test_over_tls_cookies_stay_there(client: httpx.AsyncClient, org: Org) -> None:
    body = {"email": org.email, "password": org.password}
    answer = await client.post("https://crm.test/api/sessions", json=body)
    assert "secure" in answer.headers["set-cookie"].lower()


@pytest.mark.parametrize("cookie", ["", "x.y.z"])
async def test_without_a_good_cookie_there_is_no_token(cookie: str, client: httpx.AsyncClient) -> None:
    client.cookies.set(cookies.REFRESH, cookie)
    problem(await client.post("/api/sessions/refresh"), 401, "not_signed_in")


async def test_two_tabs_that_race_both_go_on(sessions: Sessions, org: Org) -> None:
    signed_in = await sign_in(org.email, org.password, sessions, KEY)
    async with asyncio.TaskGroup() as tasks:
        tabs = [tasks.create_task(exchange(signed_in.refresh_token, sessions)) for _ in range(2)]
    one, other = (tab.result() for tab in tabs)
    assert one.refresh_token == other.refresh_token != signed_in.refresh_token
    for tab in (one, other):
        assert await who(tab.token, sessions) == signed_in.identity
    # Whichever cookie the browser kept last is good for the next time.
    assert (await exchange(other.refresh_token, sessions)).identity == signed_in.identity


async def test_a_refresh_token_that_is_reused_ends_the_session_for_both(sessions: Sessions, org: Org) -> None:
    signed_in = await sign_in(org.email, org.password, sessions, KEY)
    thief = await exchange(signed_in.refresh_token, sessions)
    late = utc_now() - GRACE - timedelta(seconds=1)
    await change(sessions, signed_in.identity, rotated_at=late)

    with pytest.raises(NotSignedIn):
        await exchange(signed_in.refresh_token, sessions)
    with pytest.raises(NotSignedIn):
        await exchange(thief.refresh_token, sessions)
    for token in (signed_in.token, thief.token):
        with pytest.raises(NotSignedIn):
            await who(token, sessions)
    # Other sessions of the person are not the thief's.
    assert await count(sessions, org) == 1


async def test_an_old_token_ends_the_session_within_the_grace_too(sessions: Sessions, org: Org) -> None:
    signed_in = await sign_in(org.email, org.password, sessions, KEY)
    second = await exchange(signed_in.refresh_token, sessions)
    await exchange(second.refresh_token, sessions)
    with pytest.raises(NotSignedIn):
        await exchange(signed_in.refresh_token, sessions)
    with pytest.raises(NotSignedIn):
        await who(second.token, sessions)


async def test_a_session_that_nobody_uses_ends_and_one_that_is_used_ends_in_a_month(
    sessions: Sessions, org: Org
) -> None:
    signed_in = await sign_in(org.email, org.password, sessions, KEY)
    born = utc_now() - LIFETIME + timedelta(days=1)
    await change(sessions, signed_in.identity, created_at=born)
    again = await exchange(signed_in.refresh_token, sessions)
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(org.user_id)
        row = await unit.session.get_one(UserSession, again.identity.session_id)
        assert row.expires_at == born + LIFETIME < utc_now() + IDLE
    await change(sessions, signed_in.identity, expires_at=utc_now())
    with pytest.raises(NotSignedIn):
        await exchange(again.refresh_token, sessions)
    with pytest.raises(NotSignedIn):
        await who(again.token, sessions)


async def test_switching_organisations_takes_a_new_token(sessions: Sessions, org: Org) -> None:
    second = await make_org(sessions)
    await add_member(sessions, second, Role.MANAGER, of=org)
    signed_in = await sign_in(org.email, org.password, sessions, KEY)
    assert signed_in.identity.org_id == org.id

    there = await exchange(signed_in.refresh_token, sessions, second.id)
    seen = await who(there.token, sessions)
    assert (seen.org_id, seen.role) == (second.id, "manager")
    # The next one is for the same organisation; the token of the first one still says what it said.
    again = await exchange(there.refresh_token, sessions)
    assert again.identity.org_id == second.id
    assert (await who(signed_in.token, sessions)).org_id == org.id

    stranger = await make_org(sessions)
    with pytest.raises(Refusal, match="tenant_mismatch"):
        await exchange(again.refresh_token, sessions, stranger.id)
    assert (await exchange(again.refresh_token, sessions, org.id)).identity.role == "admin", "it was not used up"


async def test_the_list_tells_devices_and_one_of_them_is_ended(client: httpx.AsyncClient, org: Org) -> None:
    client.headers["user-agent"] = "Kiosk\x7f/1"
    mine = await sign(client, org)
    other = await sign(client, org)
    listed = data(await client.get("/api/sessions", headers=bearer(mine)))
    assert [row["agent"] for row in listed] == ["Kiosk/1", "Kiosk/1", ""]  # the last one is the fixture's
    (here,) = (row for row in listed if row["current"])
    there = next(row for row in listed if not row["current"])

    assert (await client.delete(f"/api/sessions/{there['id']}", headers=bearer(mine))).status_code == 204
    problem(await client.get("/api/leads", headers=bearer(other)), 401, "not_signed_in")
    problem(await client.post("/api/sessions/refresh"), 401, "not_signed_in")
    problem(await client.delete(f"/api/sessions/{there['id']}", headers=bearer(mine)), 404, "session_not_found")

    assert (await client.delete("/api/sessions/current", headers=bearer(mine))).status_code == 204
    problem(await client.get("/api/leads", headers=bearer(mine)), 401, "not_signed_in")
    assert here["id"] != there["id"]


async def test_logging_out_everywhere(client: httpx.AsyncClient, org: Org, settings: Settings) -> None:
    tokens = [await sign(client, org), await sign(client, org), token_of(org, settings)]
    assert (await client.delete("/api/sessions", headers=bearer(tokens[0]))).status_code == 204
    assert not client.cookies.get(cookies.REFRESH)
    for token in tokens:
        problem(await client.get("/api/leads", headers=bearer(token)), 401, "not_signed_in")


async def test_nobody_sees_or_ends_another_persons_session(
    api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    colleague = await add_member(sessions, org, Role.REP)
    assert [row["id"] for row in data(await api.get("/api/sessions"))] == [str(org.session_id)]
    problem(await api.delete(f"/api/sessions/{colleague.session_id}"), 404, "session_not_found")
    await api.delete("/api/sessions")
    assert await count(sessions, colleague) == 1


async def test_a_person_has_so_many_sessions_and_the_one_not_used_for_longest_gives_way(
    sessions: Sessions, org: Org
) -> None:
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(org.user_id)
        first = await unit.session.get_one(UserSession, org.session_id)
        kept = {"user_id": org.user_id, "org_id": org.id, "generation": 1, "secret_hash": "x", "agent": ""}
        times = dict.fromkeys(("rotated_at", "created_at"), first.created_at) | {"address": ""}
        for number in range(SESSIONS_MAX - 1):
            used = first.used_at + timedelta(seconds=number + 1)
            unit.session.add(UserSession(**kept, **times, used_at=used, expires_at=first.expires_at))
        await unit.commit()
    assert await count(sessions, org) == SESSIONS_MAX
    await sign_in(org.email, org.password, sessions, KEY, Device("x" * 999))
    assert await count(sessions, org) == SESSIONS_MAX
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(org.user_id)
        assert await unit.session.get(UserSession, org.session_id) is None


async def test_me(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    second = await make_org(sessions)
    await add_member(sessions, second, Role.REP, of=org)
    me = data(await api.get("/api/me"))
    assert (me["email"], me["full_name"], me["role"], me["organisation_id"]) == (org.email, "Ada", "admin", str(org.id))
    assert [(there["id"], there["role"]) for there in me["organisations"]] == [
        (str(org.id), "admin"),
        (str(second.id), "rep"),
    ]
