"""Changing a password, and setting a new one by mail."""

from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from config.settings import DEVELOPMENT_SECRET as KEY
from config.settings import Settings
from crm.database import Sessions, utc_now
from crm.identity.hashing import mark_of
from crm.identity.jobs import RESET
from crm.identity.lockout import FAILURES_MAX
from crm.identity.model import User
from crm.identity.usecases import SignInFailed, sign_in
from crm.jobs.running import do_what_waits
from crm.mail.links import sign
from crm.mail.post import FolderPost
from crm.unit_of_work import UnitOfWork
from crm.work import Work
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, token_of
from tests.crm.identity.test_attempts import guess, wait
from tests.crm.jobs.desk import work_of
from tests.crm.mail.letters import letters_to
from tests.crm.test_api import data, problem

NEW = "three words of mine and more"


@pytest.fixture
async def work(sessions: Sessions, postgres: PostgresAddresses, redis: Redis, tmp_path: Path) -> Work:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()
    return work_of(sessions, postgres.app_url, redis, post=FolderPost(tmp_path, "us@example.com"))


async def reset_token(org: Org, sessions: Sessions, expires_in: timedelta = timedelta(hours=1)) -> str:
    """Return the token of a letter that the person gets now."""
    async with UnitOfWork(sessions) as unit:
        await unit.act_as_user(org.user_id)
        user = await unit.session.get_one(User, org.user_id)
    claims = {"user": str(org.user_id), "was": mark_of(user.password_hash)}
    return sign(RESET, claims, int((utc_now() + expires_in).timestamp()), KEY)


async def test_changing_it_ends_every_other_session(
    api: httpx.AsyncClient, client: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    other = await sign_in(org.email, org.password, sessions, KEY)
    body = {"current": org.password, "new": NEW}
    assert (await api.put("/api/me/password", json=body)).status_code == 204
    data(await api.get("/api/me"))
    theirs = {"Authorization": f"Bearer {other.token}"}
    problem(await client.get("/api/me", headers=theirs), 401, "not_signed_in")
    with pytest.raises(SignInFailed):
        await sign_in(org.email, org.password, sessions, KEY)
    await wait(org.email, sessions)
    await sign_in(org.email, NEW, sessions, KEY)


async def test_the_current_one_is_guessed_no_more_often_than_in_signing_in(
    api: httpx.AsyncClient, sessions: Sessions, org: Org
) -> None:
    body = {"current": "wrong", "new": NEW}
    problem(await api.put("/api/me/password", json=body), 403, "password_wrong")
    problem(await api.put("/api/me/password", json=body), 429, "sign_in_later")


async def test_a_weak_one_is_told_all_that_is_wrong(api: httpx.AsyncClient, org: Org) -> None:
    name = org.email.partition("@")[0]
    body = {"current": org.password, "new": f"{name}1"}
    unmet = problem(await api.put("/api/me/password", json=body), 400, "password_refused")["unmet"]
    assert {rule["rule"] for rule in unmet} == {"too_easy_to_guess", "personal"}
    assert all(rule["text"] for rule in unmet)


async def test_the_meter(client: httpx.AsyncClient) -> None:
    body = {"password": "lovelace1815", "about": ["Ada Lovelace"]}
    told = data(await client.post("/api/passwords/judge", json=body))
    assert (told["strength"], {rule["rule"] for rule in told["unmet"]}) == (0, {"too_easy_to_guess", "personal"})
    told = data(await client.post("/api/passwords/judge", json={"password": NEW}))
    assert (told["unmet"], told["strength"]) == ([], 4)


async def test_a_new_one_by_mail(client: httpx.AsyncClient, sessions: Sessions, org: Org, work: Work) -> None:
    nobody = f"{uuid4().hex}@example.net"
    answers = [await client.post("/api/passwords/resets", json={"email": email}) for email in (org.email, nobody)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json()["message"] == answers[1].json()["message"]
    async with UnitOfWork(sessions) as unit:
        jobs = list(await unit.session.scalars(text("SELECT args::text FROM procrastinate_jobs")))
    assert len(jobs) == 2, "what is done for an address that nobody has looks the same"
    assert all("@" not in job for job in jobs)
    await do_what_waits(work)
    assert await letters_to(nobody, org, sessions) == []
    (letter,) = await letters_to(org.email, org, sessions)
    assert letter.sent_at is not None
    # Asked again at once, there is no second letter.
    await client.post("/api/passwords/resets", json={"email": org.email.upper()})
    await do_what_waits(work)
    assert len(await letters_to(org.email, org, sessions)) <= 2, "two when a span of five minutes began in between"


async def test_the_link_works_once_ends_all_sessions_and_unlocks(
    client: httpx.AsyncClient, sessions: Sessions, org: Org, settings: Settings
) -> None:
    await guess(org.email, sessions, FAILURES_MAX)
    token = await reset_token(org, sessions)
    weak = {"token": token, "new": "password1234"}
    problem(await client.post("/api/passwords/resets/redeem", json=weak), 400, "password_refused")
    body = {"token": token, "new": NEW}
    assert (await client.post("/api/passwords/resets/redeem", json=body)).status_code == 204
    problem(await client.post("/api/passwords/resets/redeem", json=body), 410, "link_used")
    mine = {"Authorization": f"Bearer {token_of(org, settings)}"}
    problem(await client.get("/api/me", headers=mine), 401, "not_signed_in")
    await sign_in(org.email, NEW, sessions, KEY)


async def test_the_link_is_good_for_an_hour(client: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    old = await reset_token(org, sessions, timedelta())
    body = {"token": old, "new": NEW}
    problem(await client.post("/api/passwords/resets/redeem", json=body), 410, "link_expired")
    problem(await client.post("/api/passwords/resets/redeem", json=body | {"token": "x"}), 400, "link_invalid")
