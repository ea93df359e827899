"""An organisation's own keys: checked at the vendor, sealed, and in the plans of the calls that follow."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from bench.providers.chat_script import Answer, InTurn
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat
from config.settings import Settings
from crm.calls.dial import DialRequest
from crm.database import Sessions
from crm.identity.model import Member
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.command import Dial
from events.plan import CallPlan
from events.sealed_secret import unseal
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import FakeNode

GOOD = "sk-good-key-1234"
OTHER = "sk-other-key-5678"


@pytest.fixture
async def vendor() -> AsyncGenerator[ChatServer]:
    async with ChatServer(OpenAIChat(), InTurn((Answer(("x",)),)), frozenset({GOOD, OTHER})) as server:
        yield server


@pytest.fixture
def settings(postgres: PostgresAddresses, own_redis_url: str, tmp_path: Path, vendor: ChatServer) -> Settings:
    """An operator whose calls ask a model at OpenAI first, which stands at our server."""
    return Settings(
        database_url=SecretStr(postgres.app_url),
        redis_url=SecretStr(own_redis_url),
        data_dir=tmp_path / "data",
        models=("openai:m", "scripted"),
        openai_base_url=vendor.base_url,
        max_call_s=60,  # what a call reserves, and these tests place several
    )


async def plan_of_next_call(resources: Resources, node: FakeNode, org: Org) -> CallPlan:
    await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    order = node.orders[-1].body
    assert isinstance(order, Dial)
    return order.plan


async def test_a_good_key_is_checked_kept_sealed_and_carried_by_the_next_call(
    api: httpx.AsyncClient, vendor: ChatServer, resources: Resources, node: FakeNode, org: Org, sessions: Sessions
) -> None:
    assert (await plan_of_next_call(resources, node, org)).sealed_keys == {}
    saved = await api.put("/api/providers/openai", json={"key": f" {GOOD} "})
    assert saved.status_code == 200, saved.text
    assert saved.json()["data"]["hint"] == "1234"
    assert GOOD not in saved.text
    assert [(seen.method, seen.key) for seen in vendor.seen] == [("GET", GOOD)]
    async with UnitOfWork(sessions, org.id) as unit:
        assert GOOD not in str((await unit.session.execute(text("SELECT * FROM provider_keys"))).all())

    plan = await plan_of_next_call(resources, node, org)
    assert (plan.providers.llm, plan.providers.llm_fallbacks) == ("openai:m", ("scripted",))
    assert unseal(plan.sealed_keys["openai"], resources.secret_key, org.id, "openai") == GOOD

    await api.put("/api/providers/openai", json={"key": OTHER})
    listed = (await api.get("/api/providers")).json()["data"]
    assert [(key["provider"], key["hint"]) for key in listed] == [("openai", "5678")]

    assert (await api.delete("/api/providers/openai")).status_code == 204
    assert (await api.get("/api/providers")).json()["data"] == []
    assert (await plan_of_next_call(resources, node, org)).sealed_keys == {}


async def test_a_key_that_the_vendor_refuses_is_not_saved(api: httpx.AsyncClient) -> None:
    await api.put("/api/providers/openai", json={"key": GOOD})
    refused = await api.put("/api/providers/openai", json={"key": "sk-wrong-key"})
    assert (refused.status_code, refused.json()["code"]) == (400, "provider_key_refused")
    assert refused.json()["details"] == {"provider": "openai", "reason": "refused_key"}
    assert "sk-wrong-key" not in refused.text
    assert (await api.get("/api/providers")).json()["data"][0]["hint"] == "1234"


async def test_a_vendor_that_is_away_leaves_the_earlier_key(
    api: httpx.AsyncClient, resources: Resources, vendor: ChatServer
) -> None:
    await api.put("/api/providers/openai", json={"key": GOOD})
    await vendor.stop()
    away = await api.put("/api/providers/openai", json={"key": OTHER})
    assert (away.status_code, away.json()["code"]) == (503, "provider_away")
    assert (await api.get("/api/providers")).json()["data"][0]["hint"] == "1234"


@pytest.mark.parametrize(
    ("vendor_name", "body", "status", "code"),
    [
        ("acme", {"key": GOOD}, 404, "provider_not_found"),
        ("openai", {"key": "short"}, 400, "invalid_request"),
        ("openai", {"key": "x" * 600}, 400, "invalid_request"),
        ("openai", {}, 400, "invalid_request"),
        ("openai", {"key": GOOD, "base_url": "http://169.254.169.254"}, 400, "invalid_request"),
    ],
)
async def test_bad_requests_are_refused_by_name(
    api: httpx.AsyncClient, vendor: ChatServer, vendor_name: str, body: dict[str, str], status: int, code: str
) -> None:
    answer = await api.put(f"/api/providers/{vendor_name}", json=body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert vendor.seen == []


async def test_only_admins_change_keys(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        (await unit.session.get_one(Member, (org.id, org.user_id))).role = "rep"
        await unit.commit()
    for answer in (
        await api.put("/api/providers/openai", json={"key": GOOD}),
        await api.delete("/api/providers/openai"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_another_organisation_s_key_is_not_there(
    api: httpx.AsyncClient, resources: Resources, node: FakeNode, sessions: Sessions
) -> None:
    await api.put("/api/providers/openai", json={"key": GOOD})
    other = await make_org(sessions)
    assert (await plan_of_next_call(resources, node, other)).sealed_keys == {}
    async with UnitOfWork(sessions, other.id) as unit:
        assert (await unit.session.execute(text("SELECT count(*) FROM provider_keys"))).scalar() == 0
