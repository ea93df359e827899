"""A whole call with tools: the real CRM, a real voice process, the carrier in a box, and a model over real sockets.

The model looks the lead up before it greets, books while it says so, is kept waiting by a slow CRM, and promises a
message as it parts.
"""

import asyncio
import contextlib
import io
import wave
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.types import ASGIApp

from agent.stock_phrases import ENGLISH
from bench.providers.chat_script import Answer, Call, InTurn, Seen
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat
from crm.call_events import EventConsumer
from events.tool import ToolName
from events.wire import MODELS_OFF
from media.codec import g711
from media.dtmf import tones
from tests.crm.conftest import NUMBER, Org
from tests.crm.test_api import data
from tests.crm.tools.test_usecases import HOURS, REP
from tests.media.test_dtmf import heard
from tests.telephony.stage import PLAYBOOK, Server, Stage, free_port, set_stage

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]
DAY = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%d")
SLOT = {"starts_at": f"{DAY}T10:00", "title": "demo"}
SLOW_S = 1.6
STALL_S = 5.0  # longer than both tries


def salesman(seen: Seen) -> Answer:
    """Hold the conversation: each step follows from what has been said and what tools came to."""
    messages = seen.body["messages"]
    last = messages[-1]
    said = [str(message["content"]) for message in messages if message["role"] == "assistant" and message["content"]]
    if last["role"] == "tool":
        if "Bakery" in last["content"]:
            return Answer(("Hello Dana of the Bakery.",))
        if "booked" in last["content"]:
            return Answer(("It is booked.",))
        return Answer(("Goodbye.",), calls=(Call("end_call", {"outcome": "goal_reached"}),))
    if not said:
        return Answer(calls=(Call("look_up_lead", {}),))
    if not any("booked" in text for text in said):
        return Answer(calls=(Call("book_slot", SLOT),))
    promise = Call("send_message", {"channel": "sms", "text": "See you at ten."})
    return Answer(calls=(promise,))


@contextlib.asynccontextmanager
async def served(app: ASGIApp, *, away: bool = False) -> AsyncGenerator[str]:
    """Serve the CRM on a port, slow with bookings, or without an answer to them."""

    async def slow(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path", "").endswith("book_slot"):
            await asyncio.sleep(STALL_S if away else SLOW_S)
        await app(scope, receive, send)

    port = free_port()
    server = Server(uvicorn.Config(slow, port=port, log_config=None, lifespan="off"))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(server.serve())
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True


@contextlib.asynccontextmanager
async def on_stage(
    app: FastAPI, redis_url: str, folder: Path, vendor: ChatServer, *, away: bool = False
) -> AsyncGenerator[Stage]:
    async with (
        served(app, away=away) as crm_url,
        set_stage(
            redis_url,
            folder,
            crm_url=crm_url,
            openai_api_key=SecretStr("k"),
            openai_base_url=vendor.base_url,
        ) as stage,
    ):
        yield stage


@pytest.fixture(autouse=True)
def real_playbook(config_folder: Path) -> None:
    (config_folder / "playbooks" / PLAYBOOK.name).write_text(PLAYBOOK.read_text())


async def whole_call(api: httpx.AsyncClient, consumer: EventConsumer, agent: str, org: Org) -> Any:
    body = {"lead_id": str(org.lead_id), "agent_id": agent}
    call_id = data(await api.post("/api/calls", json=body), 201)["call_id"]
    async with asyncio.timeout(90):
        while not (call := data(await api.get(f"/api/calls/{call_id}")))["closed"]:
            await consumer.turn()
            await asyncio.sleep(0.2)  # asking without a pause would take the core that the call needs
    return call


async def test_a_call_that_looks_up_books_and_promises(
    app: FastAPI, api: httpx.AsyncClient, own_redis_url: str, consumer: EventConsumer, tmp_path: Path, org: Org
) -> None:
    data(await api.put("/api/settings/booking", json=HOURS | {"time_zone": "UTC"}))
    tools = [name.value for name in ToolName if name is not ToolName.TRANSFER_CALL]
    body = {"name": "Sol", "playbook": "energy_meeting", "model": "openai:m", "tools": tools}
    async with ChatServer(OpenAIChat(), salesman) as vendor, on_stage(app, own_redis_url, tmp_path, vendor) as stage:
        await stage.seat("silent", NUMBER)
        agent = data(await api.post("/api/agents", json=body), 201)
        call = await whole_call(api, consumer, agent["id"], org)

    said = [turn["heard_text"] for turn in call["turns"] if turn["speaker"] == "agent"]
    assert said == ["Hello Dana of the Bakery.", f"{ENGLISH.one_moment} It is booked.", "Goodbye."]
    assert call["outcome"] == "goal_reached"
    [appointment] = data(await api.get("/api/appointments"))
    assert (appointment["title"], appointment["call_id"]) == ("demo", call["call_id"])
    lead = data(await api.get(f"/api/leads/{org.lead_id}"))
    assert lead["status"] == "meeting_booked"
    assert [task["kind"] for task in lead["tasks"]] == ["send_sms"]
    told = data(await api.get(f"/api/calls/{call['call_id']}/events"))["events"]
    used = [(event["body"]["name"], event["body"]["fate"]) for event in told if event["kind"] == "tool.used"]
    assert used == [("look_up_lead", "done"), ("book_slot", "done"), ("send_message", "done")]
    took = [event["body"]["took_ms"] for event in told if event["kind"] == "tool.used"]
    assert took[1] >= SLOW_S * 1000 - 50


def switchboard(seen: Seen) -> Answer:
    """Put the prospect through at once."""
    last = seen.body["messages"][-1]
    if last["role"] == "tool":
        return Answer(("I put you through now." if "granted" in last["content"] else "Nobody is there.",))
    return Answer(calls=(Call("transfer_call", {"reason": "wants a person"}),))


@pytest.mark.parametrize(
    ("rep", "bridged"), [("silent", True), ("busy", False)], ids=["somebody picks up", "the line is busy"]
)
async def test_a_prospect_is_put_through_to_a_person(
    rep: str,
    bridged: bool,
    app: FastAPI,
    api: httpx.AsyncClient,
    own_redis_url: str,
    consumer: EventConsumer,
    tmp_path: Path,
    org: Org,
) -> None:
    data(await api.put("/api/settings/transfer", json={"number": REP}))
    body = {"name": "Sol", "playbook": "energy_meeting", "model": "openai:m", "tools": ["transfer_call"]}
    async with ChatServer(OpenAIChat(), switchboard) as vendor, on_stage(app, own_redis_url, tmp_path, vendor) as stage:
        await stage.seat("silent", NUMBER)
        await stage.seat(rep, REP)
        agent = data(await api.post("/api/agents", json=body), 201)
        call = await whole_call(api, consumer, agent["id"], org)
        async with asyncio.timeout(20):
            while True:
                truth = (await stage.http.get(f"/box/calls/{call['carrier_call_id']}")).json()
                if bool(truth["bridged_to"]) if bridged else truth["status"] == "completed":
                    break
                await asyncio.sleep(0.1)
    assert [turn["heard_text"] for turn in call["turns"]] == ["I put you through now."]
    assert (call["state"], call["outcome"]) == ("ended", "transferred")
    assert truth["dialed"] == [REP]
    assert truth["errors"] == []
    if bridged:
        assert (truth["bridged_to"], truth["status"]) == (REP, "in-progress"), "we have not hung up on them"
    else:
        assert truth["ended_by"] == "script"
        # Our sentence, and the carrier's apology: longer than a sentence of ours, and torn where the machine is busy.
        _, *apology = truth["agent_audio"]
        assert apology[-1]["ended_ms"] - apology[0]["started_ms"] > 2_000


GREETING = "Hello, this is Sol."


@pytest.mark.parametrize("number", [REP, None], ids=["somebody takes over", "nobody can"])
async def test_with_the_models_stopped_in_mid_call_a_person_takes_over_or_calls_back(
    number: str | None,
    app: FastAPI,
    api: httpx.AsyncClient,
    own_redis_url: str,
    consumer: EventConsumer,
    tmp_path: Path,
    org: Org,
) -> None:
    data(await api.put("/api/settings/transfer", json={"number": number}))
    data(await api.post("/api/prompts", json={"slug": "sol", "template": "You are Sol."}), 201)
    # With a prompt, for no script can stand in for that.
    body = {"name": "Sol", "playbook": "energy_meeting", "model": "openai:m", "prompt": "sol", "tools": ["note_fact"]}
    greet = InTurn((Answer((GREETING,)),))
    async with ChatServer(OpenAIChat(), greet) as vendor, on_stage(app, own_redis_url, tmp_path, vendor) as stage:
        await stage.seat("silent", NUMBER)
        await stage.seat("silent", REP)
        agent = data(await api.post("/api/agents", json=body), 201)
        async with asyncio.TaskGroup() as group:
            calling = group.create_task(whole_call(api, consumer, agent["id"], org))
            await vendor.until(whole=1, timeout_s=30)
            await stage.redis.set(MODELS_OFF, "the model says odd things")
        call = calling.result()
        truth = (await stage.http.get(f"/box/calls/{call['carrier_call_id']}")).json()
        more = {"lead_id": str(org.lead_id), "agent_id": agent["id"]}
        refused = await api.post("/api/calls", json=more)
        await stage.redis.delete(MODELS_OFF)
    said = [turn["heard_text"] for turn in call["turns"]]
    tasks = [task["kind"] for task in data(await api.get(f"/api/leads/{org.lead_id}"))["tasks"]]
    assert sum(seen.method == "POST" for seen in vendor.seen) == 1
    assert (call["state"], call["reason"]) == ("ended", "models_off")
    if number:
        assert said == [GREETING, f"{ENGLISH.one_moment} {ENGLISH.handing_over}"]
        assert (call["outcome"], truth["dialed"], tasks) == ("transferred", [REP], ["transfer"])
    else:
        assert said == [GREETING, ENGLISH.closing]
        assert (call["outcome"], truth["dialed"], tasks) == ("service_failure", [], ["call_back"])
    assert (refused.status_code, refused.json()["code"]) == (503, "node_refused"), "nobody is dialled for a goodbye"
    assert refused.json()["details"]["reason"] == "models_off"


def menu_caller(seen: Seen) -> Answer:
    """Press keys as soon as the line is open, and leave."""
    if not any(message["role"] == "assistant" for message in seen.body["messages"]):
        return Answer(calls=(Call("press_keys", {"keys": "1w20#"}),))
    return Answer(("Goodbye.",), calls=(Call("end_call", {"outcome": "hung_up"}),))


async def test_pressed_keys_are_on_the_line_as_tones(
    app: FastAPI, api: httpx.AsyncClient, own_redis_url: str, consumer: EventConsumer, tmp_path: Path, org: Org
) -> None:
    data(await api.patch("/api/organisation", json={"record_when": "always"}))
    body = {"name": "Sol", "playbook": "energy_meeting", "model": "openai:m", "tools": ["press_keys", "end_call"]}
    async with ChatServer(OpenAIChat(), menu_caller) as vendor, on_stage(app, own_redis_url, tmp_path, vendor) as stage:
        await stage.seat("silent", NUMBER)
        agent = data(await api.post("/api/agents", json=body), 201)
        call = await whole_call(api, consumer, agent["id"], org)
        sound = await stage.http.get(f"/box/calls/{call['carrier_call_id']}/heard.wav")
    with wave.open(io.BytesIO(sound.content)) as played:
        pcm = np.frombuffer(played.readframes(played.getnframes()), dtype=np.int16)
    begins = int(np.argmax(np.abs(pcm.astype(int)) > 500))
    assert heard(g711.encode(pcm[begins:][: len(tones("1w20#"))])) == "120#"


def booker(seen: Seen) -> Answer:
    """Book, have nothing to say about what came of it, and leave."""
    last = seen.body["messages"][-1]
    if last["role"] == "tool":
        return Answer(())
    if not any(message["role"] == "assistant" for message in seen.body["messages"]):
        return Answer(calls=(Call("book_slot", SLOT),))
    return Answer(("Goodbye.",), calls=(Call("end_call", {"outcome": "no_response"}),))


async def test_a_crm_that_does_not_answer_leaves_an_honest_sentence(
    app: FastAPI, api: httpx.AsyncClient, own_redis_url: str, consumer: EventConsumer, tmp_path: Path, org: Org
) -> None:
    data(await api.put("/api/settings/booking", json=HOURS | {"time_zone": "UTC"}))
    body = {"name": "Sol", "playbook": "energy_meeting", "model": "openai:m", "tools": ["book_slot", "end_call"]}
    async with (
        ChatServer(OpenAIChat(), booker) as vendor,
        on_stage(app, own_redis_url, tmp_path, vendor, away=True) as stage,
    ):
        await stage.seat("silent", NUMBER)
        agent = data(await api.post("/api/agents", json=body), 201)
        call = await whole_call(api, consumer, agent["id"], org)
    said = [turn["heard_text"] for turn in call["turns"] if turn["speaker"] == "agent"]
    assert said == [f"{ENGLISH.one_moment} {ENGLISH.still_waiting} {ENGLISH.not_done}", "Goodbye."]
    told = data(await api.get(f"/api/calls/{call['call_id']}/events"))["events"]
    [used] = [event["body"] for event in told if event["kind"] == "tool.used"]
    assert (used["name"], used["fate"]) == ("book_slot", "in_doubt")
    assert not any(event["body"].get("kind") == "meeting_booked" for event in told), "nothing is claimed"
    assert len(data(await api.get("/api/appointments"))) <= 1, "asked for twice, done at most once"
