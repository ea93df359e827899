"""Signing in wrongly: waiting, the lock, and unlocking by mail; the same for addresses that nobody has."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import select, text

from config.settings import DEVELOPMENT_SECRET as KEY
from crm.database import Sessions, utc_now
from crm.identity.attempts import AttemptStore, SignInLater, forget_old
from crm.identity.jobs import UNLOCK
from crm.identity.lockout import FAILURES_MAX
from crm.identity.model import SignInAttempts
from crm.identity.usecases import SignInFailed, sign_in
from crm.jobs.running import do_what_waits
from crm.mail.links import sign
from crm.mail.post import FolderPost
from crm.unit_of_work import UnitOfWork
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org
from tests.crm.jobs.desk import work_of
from tests.crm.mail.letters import letters_to
from tests.crm.test_api import problem


async def row_of(email: str, unit: UnitOfWork) -> SignInAttempts:
    return await AttemptStore(unit, email, KEY).lock()


async def wait(email: str, sessions: Sessions) -> None:
    """Let the back-off pass."""
    async with UnitOfWork(sessions) as unit:
        row = await row_of(email, unit)
        if row.failed_at is not None:
            row.failed_at -= timedelta(minutes=30)
        await unit.commit()


async def guess(email: str, sessions: Sessions, times: int) -> None:
    for _ in range(times):
        with pytest.raises(SignInFailed):
            await sign_in(email, "wrong", sessions, KEY)
        await wait(email, sessions)


@pytest.fixture(params=["known", "unknown"])
def email(request: pytest.FixtureRequest, org: Org) -> str:
    return org.email if request.param == "known" else f"{uuid4().hex}@example.net"


async def test_a_wrong_password_makes_one_wait_whoever_it_is(email: str, client: httpx.AsyncClient, org: Org) -> None:
    body = {"email": email, "password": "wrong"}
    problem(await client.post("/api/sessions", json=body), 401, "sign_in_failed")
    answer = await client.post("/api/sessions", json=body | {"password": org.password})
    assert problem(answer, 429, "sign_in_later") == {"retry_after_s": 1}
    assert answer.headers["retry-after"] == "1"


async def test_too_many_lock_whoever_it_is(email: str, sessions: Sessions, org: Org, client: httpx.AsyncClient) -> None:
    await guess(email, sessions, FAILURES_MAX)
    answer = await client.post("/api/sessions", json={"email": email, "password": org.password})
    assert 890 <= problem(answer, 429, "sign_in_locked")["retry_after_s"] <= 900


async def test_signing_in_forgets_what_went_wrong(sessions: Sessions, org: Org) -> None:
    await guess(org.email, sessions, FAILURES_MAX - 1)
    await sign_in(org.email, org.password, sessions, KEY)
    await guess(org.email, sessions, FAILURES_MAX - 1)
    await sign_in(org.email, org.password, sessions, KEY)


async def test_guesses_at_the_same_moment_are_counted(sessions: Sessions, org: Org) -> None:
    async def try_one() -> str:
        try:
            await sign_in(org.email, "wrong", sessions, KEY)
        except SignInFailed:
            return "looked at"
        except SignInLater:
            return "not looked at"
        return "let in"

    async with asyncio.TaskGroup() as tasks:
        all_of_them = [tasks.create_task(try_one()) for _ in range(3 * FAILURES_MAX)]
    results = [task.result() for task in all_of_them]
    assert 1 <= results.count("looked at") <= FAILURES_MAX
    assert "let in" not in results


async def test_right_passwords_at_the_same_moment_are_all_let_in(sessions: Sessions, org: Org) -> None:
    async with asyncio.TaskGroup() as tasks:
        for _ in range(2 * FAILURES_MAX):
            tasks.create_task(sign_in(org.email, org.password, sessions, KEY))


async def test_the_owner_unlocks_at_once_by_mail(
    sessions: Sessions, org: Org, redis: Redis, postgres: PostgresAddresses, tmp_path: Path
) -> None:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(text("DELETE FROM procrastinate_jobs"))
        await unit.commit()
    nobody = f"{uuid4().hex}@example.net"
    for email in (nobody, org.email):
        await guess(email, sessions, FAILURES_MAX)
    async with UnitOfWork(sessions) as unit:
        jobs = list(await unit.session.scalars(text("SELECT args::text FROM procrastinate_jobs")))
    # What is done for an address that nobody has looks the same, and names nobody.
    assert len(jobs) == 2
    assert all("@" not in job for job in jobs)
    await do_what_waits(work_of(sessions, postgres.app_url, redis, post=FolderPost(tmp_path, "us@example.com")))
    (posted,) = tmp_path.glob("*.eml")
    assert "/unlock?token=" in posted.read_text()
    assert await letters_to(nobody, org, sessions) == []
    (letter,) = await letters_to(org.email, org, sessions)
    assert letter.sent_at is not None
    assert letter.text == ""


async def test_an_unlocking_link_works_once(client: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    await guess(org.email, sessions, FAILURES_MAX)
    async with UnitOfWork(sessions) as unit:
        until = (await row_of(org.email, unit)).locked_until
    assert until is not None
    claims = {"user": str(org.user_id), "until": until.isoformat()}
    token = sign(UNLOCK, claims, int(until.timestamp()), KEY)
    assert (await client.post("/api/unlocks", json={"token": token})).status_code == 204
    problem(await client.post("/api/unlocks", json={"token": token}), 410, "link_used")
    await sign_in(org.email, org.password, sessions, KEY)
    # Of no use for the next lock.
    await guess(org.email, sessions, FAILURES_MAX)
    problem(await client.post("/api/unlocks", json={"token": token}), 410, "link_used")
    with pytest.raises(SignInLater):
        await sign_in(org.email, org.password, sessions, KEY)


async def test_what_counts_no_more_is_forgotten(sessions: Sessions) -> None:
    old, fresh, locked = (f"{uuid4().hex}@example.net" for _ in range(3))
    now = utc_now()
    async with UnitOfWork(sessions) as unit:
        (await row_of(old, unit)).failed_at = now - timedelta(hours=2)
        (await row_of(fresh, unit)).tried_at = now
        (await row_of(locked, unit)).locked_until = now + timedelta(minutes=1)
        hashes = {email: (await row_of(email, unit)).address_hash for email in (old, fresh, locked)}
        await forget_old(unit, now)
        left = set(await unit.session.scalars(select(SignInAttempts.address_hash)))
    assert hashes[old] not in left
    assert {hashes[fresh], hashes[locked]} <= left
    assert all("@" not in address for address in hashes.values())
