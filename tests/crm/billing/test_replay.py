"""Replaying ledgers: what is right is found right, and each thing that was tampered with is told."""

import asyncio

import httpx
import psycopg
import pytest
import structlog
from redis.asyncio import Redis
from sqlalchemy import text
from sqlalchemy.engine import make_url

from crm.billing.jobs import REPLAY
from crm.billing.ledger import Ledger, NoCredit
from crm.billing.model import LedgerDuty
from crm.billing.replay import Difference, replay, replay_and_note
from crm.database import Sessions
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.money import Millicredits
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.billing.calls import fund_call, settle, settled_call
from tests.crm.conftest import Org, make_org
from tests.crm.jobs.desk import work_of
from tests.crm.test_api import data


def superuser(postgres: PostgresAddresses) -> psycopg.Connection:
    """Somebody who is bound neither by row security nor, as told, by triggers."""
    address = make_url(postgres.admin_url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True)


async def differences(sessions: Sessions, org: Org) -> list[Difference]:
    async with UnitOfWork(sessions, org.id) as unit:
        return await replay(unit)


async def busy(sessions: Sessions, org: Org) -> None:
    """Let the organisation have calls that end, go on, and cost more than there was."""
    await settled_call(sessions, org)
    await fund_call(sessions, org, seconds=60)
    await settle(sessions, org, await fund_call(sessions, org, seconds=60), 90)


async def test_what_is_booked_replays(sessions: Sessions, org: Org) -> None:
    await busy(sessions, org)
    assert await differences(sessions, org) == []


async def test_it_is_of_one_moment_while_others_book(sessions: Sessions, org: Org) -> None:
    async def book(first: int) -> None:
        for number in range(20):
            try:
                async with UnitOfWork(sessions, org.id) as unit:
                    await Ledger(unit).debit(Millicredits(7), "test", f"{first}:{number}")
                    await unit.commit()
            except NoCredit:
                return

    async with asyncio.TaskGroup() as tasks:
        booking = [tasks.create_task(book(first)) for first in range(3)]
        while not all(task.done() for task in booking):
            assert await differences(sessions, org) == []


TAMPERED = {
    "wallet": "UPDATE ledger_accounts SET balance = balance + 5 WHERE org_id = %s AND kind = 'wallet'",
    "held": "UPDATE calls SET held = held + 5 WHERE org_id = %s AND ended_at IS NULL",
    "entries_without_transaction": "DELETE FROM ledger_transactions WHERE org_id = %s AND kind = 'fund'",
    "crooked_transactions": """DELETE FROM ledger_entries WHERE org_id = %s AND account_id = (
        SELECT id FROM ledger_accounts WHERE kind = 'funding' AND ledger_accounts.org_id = ledger_entries.org_id)""",
}


@pytest.mark.parametrize("what", TAMPERED)
async def test_what_was_tampered_with_is_told(
    what: str, sessions: Sessions, org: Org, postgres: PostgresAddresses
) -> None:
    await busy(sessions, org)
    with superuser(postgres) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute(TAMPERED[what].encode(), (org.id,))
    found = await differences(sessions, org)
    assert what in {one.what for one in found}
    if what == "wallet":
        [one] = found
        assert one.said - one.found == 5


async def test_the_operator_asks_for_all_and_each_night_does(
    client: httpx.AsyncClient, resources: Resources, sessions: Sessions, postgres: PostgresAddresses, redis: Redis
) -> None:
    first, second = sorted([await make_org(sessions), await make_org(sessions)], key=lambda org: org.id)
    with superuser(postgres) as admin:
        admin.execute("UPDATE ledger_accounts SET balance = 7 WHERE org_id = %s AND kind = 'wallet'", (second.id,))
    operator = {"Authorization": f"Bearer {resources.internal_key}"}
    path = "/internal/ledger/replay"
    assert (await client.post(path)).status_code == 401
    told = data(await client.post(path, params={"after": str(first.id), "limit": 1}, headers=operator))
    assert told["next"] == str(second.id)
    assert told["differing"] == [
        {"org_id": str(second.id), "differences": [{"what": "wallet", "said": 7, "found": 500_000}]}
    ]
    async with UnitOfWork(sessions) as unit:
        others = text("UPDATE ledger_duties SET checked_at = now() WHERE org_id <> :first")
        await unit.session.execute(others, {"first": first.id})
        await unit.commit()
    with structlog.testing.capture_logs() as logs:
        await replay_and_note(second.id, sessions)
        await REPLAY.run(work_of(sessions, postgres.app_url, redis), {})
    assert [line["org_id"] for line in logs if line["event"] == "ledger.differs"] == [str(second.id)]
    async with UnitOfWork(sessions) as unit:
        assert (await unit.session.get_one(LedgerDuty, first.id)).checked_at is not None
