"""Calls that come in, whole: the real CRM, a real voice process, and the carrier in a box that asks what to do."""

import asyncio
import contextlib
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from agent.stock_phrases import ENGLISH
from crm.call_events import EventConsumer
from crm.database import Sessions
from crm.mail.model import PostedLetter
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import Org
from tests.crm.phone_numbers.ringing import our_number
from tests.crm.test_api import data
from tests.crm.tools.test_on_stage import served
from tests.telephony.stage import PLAYBOOK, Stage, set_stage

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]
CALLER = "+12025550143"


@pytest.fixture(autouse=True)
def real_playbook(config_folder: Path) -> None:
    (config_folder / "playbooks" / "meeting.yaml").write_text(PLAYBOOK.read_text())


@contextlib.asynccontextmanager
async def on_stage(app: FastAPI, redis_url: str, folder: Path) -> AsyncGenerator[Stage]:
    async with served(app) as crm_url, set_stage(redis_url, folder, crm_url=crm_url) as stage:
        yield stage


async def rung(stage: Stage, org: Org, persona: str, **more: Any) -> str:
    """Have somebody ring the organisation; return the carrier's id of the call."""
    reply = await stage.http.post("/box/incoming", json={"to": our_number(org), "persona": persona} | more)
    reply.raise_for_status()
    return str(reply.json()["call_sid"])


async def closed_call(api: httpx.AsyncClient, consumer: EventConsumer) -> Any:
    """Return the organisation's one call, when all of it is known."""
    async with asyncio.timeout(90):
        while True:
            await consumer.turn()
            (call,) = data(await api.get("/api/calls")) or [{"closed": False}]
            if call["closed"]:
                return data(await api.get(f"/api/calls/{call['call_id']}"))
            await asyncio.sleep(0.2)


async def test_the_agent_answers_and_both_hear_each_other(
    app: FastAPI, api: httpx.AsyncClient, own_redis_url: str, tmp_path: Path, consumer: EventConsumer, org: Org
) -> None:
    data(await api.post("/api/phone-numbers", json={"number": our_number(org)}), 201)
    async with on_stage(app, own_redis_url, tmp_path) as stage:
        sid = await rung(stage, org, "calls_back", **{"from": CALLER})
        call = await closed_call(api, consumer)
        truth = (await stage.http.get(f"/box/calls/{sid}")).json()
    assert (call["direction"], call["our_number"], call["number"]) == ("inbound", our_number(org), CALLER)
    assert (call["state"], call["outcome"]) == ("ended", "goal_reached"), call["turns"]
    agent = [turn["heard_text"] for turn in call["turns"] if turn["speaker"] == "agent"]
    assert agent[0].startswith("Hello, you have reached")
    assert "This call is recorded." in agent[0]
    assert (truth["direction"], truth["status"]) == ("inbound", "completed")
    assert call["carrier_call_id"] == sid
    assert call["ledger"]["settled"] > 0
    lead = data(await api.get(f"/api/leads/{call['lead']['id']}"))
    assert (lead["phone"], lead["status"]) == (CALLER, "meeting_booked")
    timeline = data(await api.get(f"/api/leads/{call['lead']['id']}/timeline?kind=call"))["items"]
    assert [item["details"]["direction"] for item in timeline] == ["inbound"]


async def test_a_message_is_left_where_nobody_takes_the_call(
    app: FastAPI,
    api: httpx.AsyncClient,
    own_redis_url: str,
    tmp_path: Path,
    consumer: EventConsumer,
    sessions: Sessions,
    org: Org,
) -> None:
    number = {"number": our_number(org), "route": "voicemail", "user_id": str(org.user_id)}
    data(await api.post("/api/phone-numbers", json=number | {"greeting": "You have reached {org_name}."}), 201)
    async with on_stage(app, own_redis_url, tmp_path) as stage:
        sid = await rung(stage, org, "leaves_message", **{"from": CALLER})
        call = await closed_call(api, consumer)
        truth = (await stage.http.get(f"/box/calls/{sid}")).json()
    assert (call["state"], call["outcome"]) == ("ended", "voicemail"), call["turns"]
    asked, said, thanked = (turn["heard_text"] or turn["text"] for turn in _joined(call["turns"]))
    assert asked.startswith("You have reached Org")
    assert "leave a message after the tone" in asked
    assert "ten" in said, "its words are in the transcript"
    assert thanked == ENGLISH.message_taken
    (spoken,) = truth["utterances"]
    assert truth["ended_by"] == "api", "we hang up, after they have fallen silent"
    assert call["recording"]["duration_s"] * 1_000 >= spoken["ended_ms"]
    with wave.open(call["recording"]["path"]) as recording:
        samples = np.frombuffer(recording.readframes(recording.getnframes()), np.int16).reshape(-1, 2)
    first, last = (int(spoken[end] * 8) for end in ("started_ms", "ended_ms"))
    assert np.abs(samples[first:last, 0].astype(int)).max() > 2_000, "and their voice in the recording"
    tasks = data(await api.get(f"/api/leads/{call['lead']['id']}"))["tasks"]
    (task,) = (task for task in tasks if task["kind"] == "voicemail")
    assert (task["assignee_id"], task["call_id"]) == (str(org.user_id), call["call_id"])
    async with UnitOfWork(sessions, org.id) as unit:
        letters = (await unit.session.scalars(select(PostedLetter).where(PostedLetter.org_id == org.id))).all()
    assert [(letter.to_address, letter.subject) for letter in letters] == [(org.email, "A message was left for you")]


def _joined(turns: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Put turns of one speaker that follow each other together."""
    joined: list[dict[str, Any]] = []
    for turn in turns:
        if joined and joined[-1]["speaker"] == turn["speaker"]:
            for name in ("text", "heard_text"):
                joined[-1][name] = f"{joined[-1][name]} {turn[name]}"
        else:
            joined.append(dict(turn))
    return joined
