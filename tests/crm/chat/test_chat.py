"""Answers as Server-Sent Events, from a CRM on a real port: streamed, broken off, resumed, stopped, lost."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from redis.asyncio import Redis

from bench.providers.chat_script import Answer, Call, InTurn, Refusal, Seen
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat
from config.settings import Settings
from crm.billing.ledger import Ledger
from crm.chat import makers
from crm.chat.answer_log import AnswerLog, Kind
from crm.database import Sessions, utc_now
from crm.providers.model import ProviderKey
from crm.providers.usecases import note_refusal
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import Millicredits
from events.sealed_secret import seal
from events.wire import MODELS_OFF
from salesos.embedded.postgres import PostgresAddresses
from tests.crm.conftest import Org, make_org, token_of

KEY = "sk-operator-1234"
PIECES = ("Call", " them", " at", " ten.")
QUESTION = {"messages": [{"role": "user", "text": "When should I call?"}]}


@dataclass(frozen=True, slots=True)
class Told:
    number: str
    kind: str
    data: dict[str, Any]


@pytest.fixture
async def vendor() -> AsyncGenerator[ChatServer]:
    async with ChatServer(OpenAIChat(), InTurn((Answer(PIECES),)), frozenset({KEY})) as server:
        yield server


@pytest.fixture
def models() -> tuple[str, ...]:
    return ("openai:m",)


@pytest.fixture
def settings(
    postgres: PostgresAddresses, own_redis_url: str, tmp_path: Path, vendor: ChatServer, models: tuple[str, ...]
) -> Settings:
    return Settings(
        database_url=SecretStr(postgres.app_url),
        redis_url=SecretStr(own_redis_url),
        data_dir=tmp_path / "data",
        models=models,
        openai_api_key=SecretStr(KEY),
        openai_base_url=vendor.base_url,
    )


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """The app on a port of its own, and its address."""
    config = uvicorn.Config(app, port=0, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True


@asynccontextmanager
async def signed_in(address: str, org: Org, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {token_of(org, settings)}"}
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=20) as client:
        yield client


@pytest.fixture
async def console(app: FastAPI, org: Org, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(app) as address, signed_in(address, org, settings) as client:
        yield client


async def ask(console: httpx.AsyncClient, **more: object) -> str:
    answer = await console.post("/api/chat/answers", json={**QUESTION, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["data"]["events"])


async def told(console: httpx.AsyncClient, url: str, *, after: str | None = None, count: int = 1_000) -> list[Told]:
    """The first `count` events; then the reader goes away."""
    found: list[Told] = []
    headers = {"Last-Event-ID": after} if after is not None else {}
    async with asyncio.timeout(20), console.stream("GET", url, headers=headers) as response:
        assert response.status_code == 200, await response.aread()
        assert response.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, str] = {}
        async for line in response.aiter_lines():
            if line:
                name, _, value = line.partition(": ")
                fields[name] = value
                continue
            if "event" in fields:
                found.append(Told(fields.get("id", ""), fields["event"], json.loads(fields["data"])))
            fields = {}
            if len(found) == count:
                break
    return found


def asked(vendor: ChatServer) -> list[Seen]:
    """Requests for an answer; a connection is warmed by another kind."""
    return [seen for seen in vendor.seen if seen.method == "POST"]


def words(found: list[Told]) -> str:
    return "".join(item.data["text"] for item in found if item.kind == Kind.TEXT)


async def test_an_answer_is_streamed_to_its_end(console: httpx.AsyncClient, vendor: ChatServer) -> None:
    found = await told(console, await ask(console, instructions="Be short.", max_tokens=50))

    assert words(found) == "Call them at ten."
    assert found[0].kind == Kind.STARTED
    assert found[-1].kind == Kind.DONE
    assert [int(item.number) for item in found] == list(range(1, len(found) + 1))
    sent = asked(vendor)[-1].body
    assert sent["messages"][0]["content"] == "Be short."
    assert 50 in sent.values()


async def test_a_reader_who_broke_off_goes_on_after_the_last_event(
    console: httpx.AsyncClient, vendor: ChatServer
) -> None:
    vendor.script = InTurn((Answer(PIECES, gap_s=0.2),))
    url = await ask(console)

    first = await told(console, url, count=3)
    rest = await told(console, url, after=first[-1].number)
    assert words(first) + words(rest) == "Call them at ten."
    assert len(asked(vendor)) == 1


async def test_what_is_over_can_be_read_again(console: httpx.AsyncClient) -> None:
    url = await ask(console)
    assert await told(console, url) == await told(console, url)


async def test_tool_calls_are_told(console: httpx.AsyncClient, vendor: ChatServer) -> None:
    vendor.script = InTurn((Answer(("Done.",), calls=(Call("book", {"day": "monday"}),)),))
    found = await told(console, await ask(console))
    assert [item.data for item in found if item.kind == Kind.TOOL_CALL] == [
        {"name": "book", "arguments": {"day": "monday"}}
    ]


async def test_a_model_that_fails_is_told_with_its_reason(console: httpx.AsyncClient, vendor: ChatServer) -> None:
    vendor.script = InTurn((Refusal(500),))
    found = await told(console, await ask(console))
    assert (found[-1].kind, found[-1].data) == (Kind.FAILED, {"reason": "exhausted"})


async def wallet_of(console: httpx.AsyncClient) -> int:
    found = (await console.get("/api/ledger")).json()["data"]
    assert found["sum"] == 0
    return int(found["balances"]["wallet"])


async def test_an_answer_costs_a_generation_and_one_that_fails_nothing(
    console: httpx.AsyncClient, vendor: ChatServer
) -> None:
    await told(console, await ask(console))
    assert await wallet_of(console) == 498_000
    vendor.script = InTurn((Refusal(500),))
    assert (await told(console, await ask(console)))[-1].kind == Kind.FAILED
    assert await wallet_of(console) == 498_000
    kinds = [line["kind"] for line in (await console.get("/api/ledger")).json()["data"]["transactions"]]
    assert kinds[:3] == ["refund", "generation", "generation"]


async def test_without_credit_no_model_is_asked(
    console: httpx.AsyncClient, vendor: ChatServer, sessions: Sessions, org: Org
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await Ledger(unit).debit(Millicredits(499_000), "debit", "all but one")
        await unit.commit()
    answer = await console.post("/api/chat/answers", json=QUESTION)
    assert (answer.status_code, answer.json()["code"]) == (402, "no_credit")
    assert asked(vendor) == []


async def test_an_answer_that_is_stopped_leaves_the_vendor(console: httpx.AsyncClient, vendor: ChatServer) -> None:
    vendor.script = InTurn((Answer(PIECES * 100, gap_s=0.1),))
    url = await ask(console)
    await told(console, url, count=2)

    assert (await console.delete(url.removesuffix("/events"))).status_code == 204
    found = await told(console, url)
    assert (found[-1].kind, found[-1].data) == (Kind.FAILED, {"reason": "stopped"})
    await vendor.until(left=1)
    assert (await console.delete(url.removesuffix("/events"))).status_code == 404, "it is over"


async def test_readers_are_told_to_ask_again_when_the_process_stops(
    app: FastAPI, org: Org, settings: Settings, vendor: ChatServer, redis: Redis
) -> None:
    vendor.script = InTurn((Answer(PIECES * 100, gap_s=0.1),))
    async with serving(app) as address, signed_in(address, org, settings) as client:
        url = await ask(client)
        await told(client, url, count=2)
    answer_id = UUID(url.split("/")[-2])

    last = (await AnswerLog(redis, org.id, answer_id).read(0, 1))[-1]
    assert (last.kind, json.loads(last.data)) == (Kind.RESTART, {"reason": "server_stopping"})


async def test_readers_are_told_to_ask_again_when_the_maker_was_killed(
    console: httpx.AsyncClient, org: Org, redis: Redis
) -> None:
    answer_id = new_id()
    written = AnswerLog(redis, org.id, answer_id)
    await written.open()
    await written.append(Kind.TEXT, {"text": "Call"})
    await written.end()  # the sign that somebody makes it is gone, as when nobody renews it

    found = await told(console, f"/api/chat/answers/{answer_id}/events")
    assert [item.kind for item in found] == [Kind.STARTED, Kind.TEXT, Kind.RESTART]
    assert found[-1].number == "", "not an event to go on after"


async def test_nobody_reads_or_stops_another_organisations_answer(
    console: httpx.AsyncClient, sessions: Sessions, settings: Settings
) -> None:
    url = await ask(console)
    stranger = await make_org(sessions)
    async with signed_in(str(console.base_url), stranger, settings) as client:
        assert (await client.get(url)).json()["code"] == "answer_not_found"
        assert (await client.delete(url.removesuffix("/events"))).status_code == 404
        del client.headers["Authorization"]
        assert (await client.get(url)).status_code == 401
        assert (await client.post("/api/chat/answers", json=QUESTION)).status_code == 401


async def test_the_switch_stops_new_answers(console: httpx.AsyncClient, redis: Redis, vendor: ChatServer) -> None:
    await redis.set(MODELS_OFF, "incident")
    answer = await console.post("/api/chat/answers", json=QUESTION)
    assert (answer.status_code, answer.json()["code"]) == (503, "models_off")
    assert not asked(vendor)


async def test_a_blocked_key_that_is_refused_stops_new_answers(
    console: httpx.AsyncClient, sessions: Sessions, org: Org, vendor: ChatServer
) -> None:
    assert (await console.put("/api/providers/openai", json={"key": KEY, "when_refused": "block"})).status_code == 200
    async with UnitOfWork(sessions, org.id) as unit:
        await note_refusal(unit, "openai", utc_now())
        await unit.commit()
    answer = await console.post("/api/chat/answers", json=QUESTION)
    assert (answer.status_code, answer.json()["code"]) == (409, "provider_key_blocked")
    assert not asked(vendor)


async def test_an_own_key_that_a_chat_finds_refused_is_marked_and_the_operator_s_answers(
    console: httpx.AsyncClient, vendor: ChatServer, sessions: Sessions, org: Org, resources: Resources
) -> None:
    stale = {"sealed": seal("sk-stale-key-1", resources.secret_key, org.id, "openai"), "hint": "ey-1"}
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(ProviderKey(org_id=org.id, vendor="openai", checked_at=utc_now(), **stale))
        await unit.commit()
    found = await told(console, await ask(console))
    assert words(found) == "".join(PIECES)
    async with asyncio.timeout(10):
        while (await console.get("/api/providers")).json()["data"][0]["refused_at"] is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_one_organisation_has_a_bounded_number_in_the_making(
    console: httpx.AsyncClient, vendor: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(makers, "MAKING_PER_ORG_MAX", 2)
    vendor.script = InTurn((Answer(PIECES * 100, gap_s=0.1),))
    await ask(console)
    url = await ask(console)
    answer = await console.post("/api/chat/answers", json=QUESTION)
    assert (answer.status_code, answer.json()["details"]) == (429, {"limit": 2})

    assert (await console.delete(url.removesuffix("/events"))).status_code == 204
    await told(console, url)
    await ask(console)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "system", "text": "x"}]}, "messages.0.role"),
        ({"messages": [{"role": "user", "text": ""}]}, "messages.0.text"),
        ({**QUESTION, "temperature": 3}, "temperature"),
        ({**QUESTION, "max_tokens": 0}, "max_tokens"),
        ({**QUESTION, "shout": True}, "shout"),
    ],
)
async def test_a_bad_question_names_the_field(console: httpx.AsyncClient, body: dict[str, Any], field: str) -> None:
    answer = await console.post("/api/chat/answers", json=body)
    assert answer.status_code == 400
    assert answer.json()["details"]["fields"][0]["field"] == f"body.{field}"


async def test_an_agent_of_another_organisation_is_none(console: httpx.AsyncClient, sessions: Sessions) -> None:
    stranger = await make_org(sessions)
    answer = await console.post("/api/chat/answers", json={**QUESTION, "agent_id": str(stranger.agent_id)})
    assert (answer.status_code, answer.json()["code"]) == (404, "agent_not_found")


async def test_a_place_that_is_no_number_is_refused(console: httpx.AsyncClient) -> None:
    answer = await console.get(await ask(console), headers={"Last-Event-ID": "first"})
    assert answer.status_code == 400


class TestScripted:
    """Without any key: the agent's playbook answers."""

    @pytest.fixture
    def models(self) -> tuple[str, ...]:
        return ("scripted",)

    @pytest.fixture
    def config_folder(self, config_folder: Path) -> Path:
        whole = Path(__file__).parents[3] / "config/playbooks/energy_meeting.yaml"
        (config_folder / "playbooks" / "meeting.yaml").write_text(whole.read_text())
        return config_folder

    async def test_the_playbook_answers_and_the_switch_leaves_it(
        self, console: httpx.AsyncClient, redis: Redis, vendor: ChatServer
    ) -> None:
        await redis.set(MODELS_OFF, "incident")
        found = await told(console, await ask(console))
        assert len(words(found).split()) > 3
        assert "{" not in words(found)
        assert not asked(vendor)
