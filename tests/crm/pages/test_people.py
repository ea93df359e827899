"""The pages that letters lead to."""

from uuid import uuid4

import httpx
import pytest

from config.settings import DEVELOPMENT_SECRET as KEY
from crm.database import Sessions, utc_now
from crm.identity.jobs import UNLOCK
from crm.identity.lockout import FAILURES_MAX
from crm.identity.usecases import sign_in
from crm.invitations.usecases import PURPOSE
from crm.mail.links import sign
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org
from tests.crm.identity.test_attempts import guess, row_of, wait
from tests.crm.identity.test_passwords import reset_token
from tests.crm.invitations.test_usecases import invited
from tests.crm.mail.letters import letters_to

NEW = "three words of mine and more"
EVIL = "<script>alert(1)</script>"


async def test_joining(client: httpx.AsyncClient, api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    email = f"{uuid4().hex}@example.net"
    token = await invited(api, org, sessions, email)
    page = await client.get("/invitation", params={"token": token})
    assert page.status_code == 200
    assert email in page.text
    assert 'name="password"' in page.text
    form = {"token": token, "full_name": EVIL, "password": "password1234"}
    weak = await client.post("/invitation", data=form)
    assert weak.status_code == 400
    assert "Guessers try this one first" in weak.text
    assert EVIL not in weak.text
    assert "password1234" not in weak.text
    joined = await client.post("/invitation", data=form | {"password": NEW})
    assert (joined.status_code, joined.headers["location"]) == (303, "/sign-in?joined=1")
    assert "You belong to the organisation now" in (await client.get(joined.headers["location"])).text
    signed_in = await client.post("/sign-in", data={"email": email, "password": NEW})
    assert signed_in.status_code == 303


@pytest.mark.parametrize("kind", ["used", "expired", "altered", "missing"])
async def test_a_dead_invitation_leads_to_one_action(
    kind: str, client: httpx.AsyncClient, api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    email = f"{uuid4().hex}@example.net"
    token = await invited(api, org, sessions, email)
    invitation_id = (await api.get("/api/invitations")).json()["data"][0]["id"]
    if kind == "used":
        await client.post("/invitation", data={"token": token, "full_name": "Bob", "password": NEW})
    elif kind == "expired":
        claims = {"org": str(org.id), "invitation": invitation_id}
        token = sign(PURPOSE, claims, int(utc_now().timestamp()), KEY)
    elif kind == "altered":
        token = token[:-9] + "AAAAAAAAA"
    else:
        token = ""
    page = await client.get("/invitation", params={"token": token})
    assert page.status_code in (400, 410)
    assert page.text.count("<button") == 1
    assert "Ask for a new one" in page.text
    for _ in range(2):
        asked = await client.post("/invitation/another", data={"token": token})
        assert asked.status_code == 200
    # Told once, and only where a link of ours says whom to tell.
    subjects = [letter.subject for letter in await letters_to(org.email, org, sessions)]
    assert subjects == (["A new invitation is asked for"] if kind == "expired" else [])


async def test_a_new_password(client: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    known = await client.post("/forgot-password", data={"email": org.email})
    unknown = await client.post("/forgot-password", data={"email": "nobody@example.net"})
    assert (known.status_code, known.text) == (200, unknown.text)
    token = await reset_token(org, sessions)
    assert org.email in (await client.get("/reset-password", params={"token": token})).text
    weak = await client.post("/reset-password", data={"token": token, "password": "aaaaaaaaaaaa"})
    assert weak.status_code == 400
    assert "Make it harder to guess" in weak.text
    done = await client.post("/reset-password", data={"token": token, "password": NEW})
    assert "signed out everywhere" in done.text
    used = await client.get("/reset-password", params={"token": token})
    assert used.status_code == 410
    assert 'href="/forgot-password"' in used.text
    await sign_in(org.email, NEW, sessions, KEY)


async def test_the_sign_in_page_tells_why_one_waits(client: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    wrong = {"email": org.email, "password": "wrong"}
    assert "is wrong" in (await client.post("/sign-in", data=wrong)).text
    later = await client.post("/sign-in", data=wrong)
    assert later.status_code == 429
    assert "wait before the next try" in later.text
    await wait(org.email, sessions)
    await guess(org.email, sessions, FAILURES_MAX - 1)
    assert "too often" in (await client.post("/sign-in", data=wrong)).text


async def test_opening_an_unlocking_link_does_nothing_until_the_button(
    client: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    await guess(org.email, sessions, FAILURES_MAX)
    async with UnitOfWork(sessions) as unit:
        until = (await row_of(org.email, unit)).locked_until
    assert until is not None
    claims = {"user": str(org.user_id), "until": until.isoformat()}
    token = sign(UNLOCK, claims, int(until.timestamp()), KEY)
    for _ in range(2):  # a mail program looks at it first
        assert "Unlock signing in" in (await client.get("/unlock", params={"token": token})).text
    assert "sign in again" in (await client.post("/unlock", data={"token": token})).text
    assert (await client.post("/unlock", data={"token": token})).status_code == 410


async def test_forms_of_other_sites_are_refused(client: httpx.AsyncClient) -> None:
    for path in ("/invitation", "/invitation/another", "/forgot-password", "/reset-password", "/unlock"):
        answer = await client.post(path, data={"token": "x"}, headers={"Origin": "https://evil.test"})
        assert answer.status_code == 403, path


async def test_pages_with_a_password_load_the_meter_and_nothing_from_elsewhere(
    client: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    page = await client.get("/reset-password", params={"token": await reset_token(org, sessions)})
    assert '<script src="/static/password.js" defer>' in page.text
    assert (await client.get("/static/password.js")).status_code == 200
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"
