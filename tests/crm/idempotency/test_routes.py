"""Every route that makes something takes a client's key, and makes it once with it; or stands here with its reason."""

from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest
from fastapi import FastAPI
from redis.asyncio import Redis

from config.settings import Settings
from crm.app import create_app
from crm.database import Sessions, open_engine
from crm.resources import Resources
from events.ids import new_id
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.asking import Asked, questions
from tests.crm.conftest import Org, token_of
from tests.crm.fake_node import FakeNode
from tests.crm.one_of_everything import fill
from tests.crm.test_crawler import asker, ids_of, rows_of

MADE: Final = ("201", "202")
# A key would have its answer kept, and what is in it is shown once and kept nowhere.
SECRETS: Final = frozenset(
    {
        "POST /api/calls/{call_id}/ticket",
        "POST /api/invitations/accept",
        "POST /api/keys",
        "POST /api/keys/{key_id}/rotate",
        "POST /api/me/availability/ticket",
        "POST /api/sessions",
        "POST /api/webhooks",
    }
)
# Asked for twice they are done once, by what they name; or they make nothing that stays.
ONCE_ANYWAY: Final = frozenset(
    {
        "POST /api/calls/{call_id}/hangup",
        "POST /api/calls/{call_id}/notes/retry",
        "POST /api/duplicates/search",
        "POST /api/imports/{import_id}/start",
        "POST /api/jobs/dead/{job_id}/retry",
        "POST /api/organisations",  # of one name and person
        "POST /api/passwords/resets",
        "POST /api/sign-ups",
        "POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/replay",
    }
)
# What they take is not kept in a transaction of ours: a stream of gigabytes, a model's answer on its way.
STREAMS: Final = frozenset({"POST /api/chat/answers", "POST /api/imports"})
# They ring somebody up, which has a transaction of its own (crm.calls.idempotency).
DIALS: Final = frozenset({"POST /api/calls", "POST /api/leads/{lead_id}/dial"})


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Admins may do what an operator can let them do."""
    return settings.model_copy(update={"admins_refund": True})


@pytest.fixture
async def served(settings: Settings, resources: Resources) -> AsyncIterator[FastAPI]:
    app = create_app(settings, resources)
    async with app.router.lifespan_context(app):
        yield app


def making(app: FastAPI) -> dict[str, bool]:
    """Return the routes that make something, each with whether it takes a key."""
    found = {}
    for path, operations in app.openapi()["paths"].items():
        for method, operation in operations.items():
            if method == "post" and any(status in operation["responses"] for status in MADE):
                headers = [one["name"] for one in operation.get("parameters", ()) if one["in"] == "header"]
                found[f"POST {path}"] = "Idempotency-Key" in headers
    return found


async def test_what_takes_no_key_has_a_reason(served: FastAPI) -> None:
    without = {name for name, takes in making(served).items() if not takes}
    assert without == SECRETS | ONCE_ANYWAY | STREAMS


async def test_what_takes_a_key_is_made_once_with_it(
    served: FastAPI,
    settings: Settings,
    resources: Resources,
    redis: Redis,
    node: FakeNode,
    sessions: Sessions,
    org: Org,
    postgres: PostgresAddresses,
) -> None:
    await fill(org, resources, redis)
    owner = open_engine(postgres.admin_url)
    try:
        ids = await ids_of(await rows_of(owner, org.id), org, sessions)
        takes = {name for name, key in making(served).items() if key} - DIALS
        asked = {one.name: one for one in questions(served.openapi(), ids) if one.name in takes}
        made = set()
        async with asker(served, token_of(org, settings)) as client:
            for name, one in asked.items():
                if await is_made_once(client, one):
                    made.add(name)
        assert len(made) >= len(takes) * 2 // 3, takes - made
    finally:
        await owner.dispose()


async def is_made_once(client: httpx.AsyncClient, one: Asked) -> bool:
    """Ask twice with one key; False when what the organisation has does not let it be made."""
    headers = {"Idempotency-Key": str(new_id())}
    first = await client.request(one.method, one.url, json=one.body, headers=headers)
    if not first.is_success:
        assert first.status_code in (400, 402, 404, 409), (one.name, first.text)
        return False
    second = await client.request(one.method, one.url, json=one.body, headers=headers)
    assert (second.status_code, second.json()["data"]) == (first.status_code, first.json()["data"]), one.name
    return True
