"""What is kept for a while only is forgotten then, of every organisation, and nothing else is."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from crm.database import Sessions, utc_now
from crm.forgetting import jobs
from crm.forgetting.jobs import FORGET
from crm.idempotency.model import IdempotencyKey
from crm.jobs.running import do_what_waits
from crm.mail.model import PostedLetter
from crm.unit_of_work import UnitOfWork
from crm.webhooks.model import Delivery, Webhook
from events.ids import new_id
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, make_org
from tests.crm.jobs.desk import work_of

TASKS = {FORGET.name: FORGET}


async def keep(sessions: Sessions, org: Org, name: str, at: datetime) -> None:
    """Leave a row of each kind from that moment, called by that name, and a delivery that waits still."""
    webhook = Webhook(org_id=org.id, id=new_id(), url="https://hooks.example.com", kinds=["call.finished"], sealed="-")
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(webhook)
        await unit.session.flush()
        told = {"webhook_id": webhook.id, "kind": name, "body": "{}", "began_at": at}
        unit.session.add_all(
            [
                IdempotencyKey(org_id=org.id, key=name, fingerprint="-", created_at=at),
                PostedLetter(
                    org_id=org.id,
                    key=name,
                    to_address="a@example.com",
                    subject=name,
                    text="",
                    created_at=at,
                    sent_at=at,
                ),
                Delivery(org_id=org.id, event_id=new_id(), state="delivered", done_at=at, **told),
                Delivery(org_id=org.id, event_id=new_id(), **(told | {"kind": f"{name} waits"})),
            ]
        )
        await unit.commit()


async def kept(sessions: Sessions, org_id: UUID) -> set[str]:
    async with UnitOfWork(sessions, org_id) as unit:
        return {
            *(f"key {key}" for key in await unit.session.scalars(select(IdempotencyKey.key))),
            *(f"letter {key}" for key in await unit.session.scalars(select(PostedLetter.key))),
            *(f"delivery {kind}" for kind in await unit.session.scalars(select(Delivery.kind))),
        }


@pytest.mark.parametrize("slice_s", [20.0, 0.0], ids=["in one go", "by slices"])
async def test_what_is_old_is_forgotten_and_nothing_else(
    sessions: Sessions,
    postgres: PostgresAddresses,
    redis: Redis,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
    slice_s: float,
) -> None:
    monkeypatch.setattr(jobs, "SLICE_S", slice_s)
    monkeypatch.setattr(jobs, "BATCH", 2)
    orgs = [org, await make_org(sessions)]
    now = utc_now()
    for one in orgs:
        for number, days in enumerate((6, 8, 29, 31, 89, 91, 92, 93)):
            await keep(sessions, one, f"{days} days", now - timedelta(days=days, minutes=number))
    await FORGET.run(work_of(sessions, postgres.app_url, redis), {})
    await do_what_waits(work_of(sessions, postgres.app_url, redis), TASKS)
    for one in orgs:
        assert await kept(sessions, one.id) == {
            "key 6 days",
            *(f"letter {days} days" for days in (6, 8, 29, 31, 89)),
            *(f"delivery {days} days" for days in (6, 8, 29)),
            *(f"delivery {days} days waits" for days in (6, 8, 29, 31, 89, 91, 92, 93)),
        }
