"""What may not be dialled, who is not the carrier, and parts of ours that go away in mid-call."""

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest

from events import call as events
from events import command, wire
from events.call import Outcome, State
from events.ids import new_id
from salesos.embedded.redis import EmbeddedRedis
from tests.telephony.stage import NUMBER, finished, set_stage

pytestmark = pytest.mark.timeout(150)


async def test_what_may_not_be_dialled_is_refused_with_its_reason(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path, max_calls=1) as stage:
        call_id = new_id()
        plan = stage.plan(call_id)

        async def answer(permit: str, **changes: object) -> str:
            return (await stage.send(command.Dial(permit, stage.plan(call_id, **changes)))).reason

        assert await answer("garbage") == "permit_refused"
        assert await answer(stage.permit(call_id, expires_at=1)) == "permit_refused"
        assert await answer(stage.permit(new_id())) == "permit_refused"
        assert await answer(stage.permit(call_id), playbook={"name": "x"}) == "bad_plan"
        stage.crm.do_not_call.add(NUMBER)
        assert await answer(stage.permit(call_id)) == "do_not_call"
        stage.crm.do_not_call.clear()
        stage.crm.away = True
        assert await answer(stage.permit(call_id)) == "crm_away"
        stage.crm.away = False
        late = await stage.send(command.Dial(stage.permit(call_id), plan), expires_in_s=-1)
        assert late.reason == "late"
        permit = stage.permit(call_id)
        assert (await stage.send(command.Dial(permit, plan))).accepted
        assert await answer(permit) in ("permit_spent", "node_full")
        unspent = new_id()
        other = new_id()
        full = await stage.send(command.Dial(stage.permit(other, id=unspent), stage.plan(other)))
        assert full.reason == "node_full"
        assert not await stage.redis.exists(wire.permit_key(unspent)), "it is still good at another node"
        hang_up = await stage.send(command.HangUp(new_id(), call_id))
        assert hang_up.reason == "call_not_here"  # of another organisation
        assert (await stage.send(command.HangUp(stage.org_id, call_id))).accepted
        await stage.until(call_id, events.Closed, 30)
        assert len((await stage.http.get("/box/calls")).json()) <= 1, "one call was placed, not more"


async def test_forged_callers_get_nothing(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path) as stage, httpx.AsyncClient() as stranger:
        base = f"http://127.0.0.1:{stage.settings.voice_port}/n/{stage.settings.node}/twilio"
        for kind in ("voice", "status", "amd"):
            reply = await stranger.post(f"{base}/{kind}/{new_id()}", data={"CallSid": "CA1", "CallStatus": "completed"})
            assert reply.status_code == 403, kind
        handshake = await stranger.get(
            f"{base}/stream/{new_id()}",
            headers={
                "connection": "upgrade",
                "upgrade": "websocket",
                "sec-websocket-version": "13",
                "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
                "x-twilio-signature": "AAAA",
            },
        )
        assert handshake.status_code == 403


async def test_a_call_outlives_its_speech_process_and_redis(tmp_path: Path) -> None:
    """The speech process is killed while somebody speaks, Redis stops answering, the CRM is away: it goes on."""
    server = EmbeddedRedis(tmp_path / "redis")
    url = server.start()
    try:
        async with set_stage(url, tmp_path / "data") as stage:
            await stage.seat("eager")
            call_id = new_id()
            assert (await stage.dial(call_id)).accepted
            await stage.until(call_id, events.TurnFinished, 20)
            stage.crm.away = True
            for pid in _speech_workers():
                os.kill(pid, signal.SIGKILL)
            await asyncio.sleep(4)
            os.kill(server.pid, signal.SIGSTOP)
            try:
                await asyncio.sleep(6)
            finally:
                os.kill(server.pid, signal.SIGCONT)
            found = await stage.until(call_id, events.Closed, 90)
    finally:
        server.stop()
    end = finished(found)
    assert (end.state, end.outcome) == (State.ENDED, Outcome.GOAL_REACHED)
    assert {event.seq for event in found} == set(range(1, len({event.seq for event in found}) + 1)), "none is missing"


def _speech_workers() -> list[int]:
    """The speech workers that this process started."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                line = (entry / "cmdline").read_bytes()
                parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[1]
            except OSError:
                continue
            if b"agent.speech_worker" in line and int(parent) == os.getpid():
                found.append(int(entry.name))
    assert found
    return found
