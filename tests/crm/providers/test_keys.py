"""An organisation's own keys: checked at the vendor, sealed, and in the plans of the calls that follow."""

from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from structlog.testing import capture_logs

from bench.providers.chat_script import Answer, InTurn
from bench.providers.chat_server import ChatServer
from bench.providers.deepgram import Deepgram
from bench.providers.openai_chat import OpenAIChat
from bench.providers.socket_server import SpeechServer
from bench.providers.speech_script import Hearing
from bench.providers.speech_script import InTurn as InTurnSpeech
from config.settings import Settings
from crm.agents.model import Agent
from crm.calls import intake
from crm.calls.dial import DialRequest
from crm.database import Sessions, utc_now
from crm.identity.model import Member
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.call import Body, Event, KeyRefused, ModelUsed, encode
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
async def ears() -> AsyncGenerator[SpeechServer]:
    async with SpeechServer(Deepgram(), InTurnSpeech((Hearing(),)), frozenset({GOOD})) as server:
        yield server


@pytest.fixture
def settings(
    postgres: PostgresAddresses, own_redis_url: str, tmp_path: Path, vendor: ChatServer, ears: SpeechServer
) -> Settings:
    """An operator whose calls ask a model at OpenAI first, which stands at our server."""
    return Settings(
        database_url=SecretStr(postgres.app_url),
        redis_url=SecretStr(own_redis_url),
        data_dir=tmp_path / "data",
        models=("openai:m", "scripted"),
        openai_base_url=vendor.base_url,
        deepgram_base_url=ears.url.replace("ws", "http", 1),
        max_call_s=60,  # what a call reserves, and these tests place several
    )


async def take(event: Event, sessions: Sessions) -> None:
    """Take an event of a call as the consumer does."""
    async with UnitOfWork(sessions, event.org_id) as unit:
        await intake.take(event, intake.Entry("events:00", "1-1", encode(event)), unit)
        await unit.commit()


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
        ("openai", {"key": "sk-with a blank"}, 400, "invalid_request"),
        ("openai", {"key": "sk-clé-secrète"}, 400, "invalid_request"),
        ("deepgram", {"key": "two\r\nlines"}, 400, "invalid_request"),
        ("openai", {"key": GOOD, "when_refused": "shrug"}, 400, "invalid_request"),
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
        await api.patch("/api/providers/openai", json={"when_refused": "block"}),
        await api.post("/api/providers/openai/check"),
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


async def test_a_key_of_speech_is_kept_and_carried_for_what_the_agent_names(
    api: httpx.AsyncClient, ears: SpeechServer, resources: Resources, node: FakeNode, org: Org, sessions: Sessions
) -> None:
    saved = await api.put("/api/providers/deepgram", json={"key": GOOD, "when_refused": "block"})
    assert saved.status_code == 200, saved.text
    assert (saved.json()["data"]["when_refused"], saved.json()["data"]["refused_at"]) == ("block", None)
    assert [(seen.path, seen.key) for seen in ears.seen] == [("/v1/projects", GOOD)]
    plan = await plan_of_next_call(resources, node, org)
    assert (plan.sealed_keys, plan.own_only) == ({}, ()), "nothing of this call is asked of the vendor"

    async with UnitOfWork(sessions, org.id) as unit:
        (await unit.session.get_one(Agent, (org.id, org.agent_id))).stt = "deepgram:nova-3"
        await unit.commit()
    plan = await plan_of_next_call(resources, node, org)
    assert (plan.providers.stt, plan.own_only) == ("deepgram:nova-3", ("deepgram",))
    assert unseal(plan.sealed_keys["deepgram"], resources.secret_key, org.id, "deepgram") == GOOD


async def test_a_key_of_speech_that_the_vendor_refuses_is_not_saved(api: httpx.AsyncClient) -> None:
    refused = await api.put("/api/providers/deepgram", json={"key": OTHER})
    assert (refused.status_code, refused.json()["code"]) == (400, "provider_key_refused")
    assert (await api.get("/api/providers")).json()["data"] == []


REFUSALS: tuple[tuple[str, Body], ...] = (
    ("openai", ModelUsed("openai:m", "failed", "refused_key", own_key=True)),
    ("deepgram", KeyRefused("deepgram")),
)


@pytest.mark.parametrize(("name", "refusal"), REFUSALS)
async def test_a_key_that_a_call_found_refused_is_marked_until_it_is_good_again(
    api: httpx.AsyncClient, sessions: Sessions, resources: Resources, node: FakeNode, org: Org, name: str, refusal: Body
) -> None:
    await api.put(f"/api/providers/{name}", json={"key": GOOD})
    call_id = (await plan_of_next_call(resources, node, org)).call_id
    with capture_logs() as logs:
        for seq in (1, 2):
            await take(Event(org.id, call_id, 1, seq, utc_now(), refusal), sessions)
    alerts = [line for line in logs if line["event"] == "provider_key.refused"]
    assert [(line["provider"], line["log_level"]) for line in alerts] == [(name, "warning")], "told once"
    assert (await api.get("/api/providers")).json()["data"][0]["refused_at"] is not None
    await plan_of_next_call(resources, node, org)  # the operator's key stands in

    again = await api.post(f"/api/providers/{name}/check")
    assert (again.status_code, again.json()["data"]["refused_at"]) == (200, None)


async def test_with_a_blocked_key_refused_no_call_begins_and_the_reason_is_told(
    api: httpx.AsyncClient, sessions: Sessions, resources: Resources, node: FakeNode, org: Org
) -> None:
    await api.put("/api/providers/openai", json={"key": GOOD})
    chosen = await api.patch("/api/providers/openai", json={"when_refused": "block"})
    assert chosen.json()["data"]["when_refused"] == "block"
    call_id = (await plan_of_next_call(resources, node, org)).call_id
    placed = len(node.orders)
    refusal = ModelUsed("openai:m", "failed", "refused_key", own_key=True)
    await take(Event(org.id, call_id, 1, 1, utc_now(), refusal), sessions)

    balance = (await api.get("/api/ledger")).json()["data"]
    dialled = await api.post("/api/calls", json={"lead_id": str(org.lead_id)})
    assert (dialled.status_code, dialled.json()["code"]) == (409, "provider_key_blocked")
    assert dialled.json()["details"]["provider"] == "openai"
    assert (await api.get("/api/ledger")).json()["data"] == balance, "nothing is reserved"
    assert len(node.orders) == placed

    assert (await api.put("/api/providers/openai", json={"key": OTHER, "when_refused": "block"})).status_code == 200
    assert (await plan_of_next_call(resources, node, org)).own_only == ("openai",)


async def test_an_old_call_s_word_says_nothing_of_a_key_that_was_saved_since(
    api: httpx.AsyncClient, sessions: Sessions, resources: Resources, node: FakeNode, org: Org
) -> None:
    call_id = (await plan_of_next_call(resources, node, org)).call_id
    before = utc_now()
    await api.put("/api/providers/deepgram", json={"key": GOOD})
    await take(Event(org.id, call_id, 1, 1, before, KeyRefused("deepgram")), sessions)
    assert (await api.get("/api/providers")).json()["data"][0]["refused_at"] is None


async def test_a_kept_key_that_is_checked_again_and_refused_is_marked(
    api: httpx.AsyncClient, vendor: ChatServer
) -> None:
    assert (await api.post("/api/providers/openai/check")).json()["code"] == "provider_key_not_found"
    assert (await api.patch("/api/providers/openai", json={"when_refused": "block"})).status_code == 404
    await api.put("/api/providers/openai", json={"key": GOOD})
    await vendor.stop()
    away = await api.post("/api/providers/openai/check")
    assert (away.status_code, away.json()["code"]) == (503, "provider_away")
    assert (await api.get("/api/providers")).json()["data"][0]["refused_at"] is None
