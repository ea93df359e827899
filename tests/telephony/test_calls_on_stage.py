"""Whole calls over real sockets, and everything that can go wrong on the voice side of one."""

import asyncio
import os
import wave
from pathlib import Path

import httpx
import numpy as np
import pytest

from events import call as events
from events import command, wire
from events.call import AnsweredBy, Outcome, State
from events.ids import new_id
from telephony import journal
from telephony.call.lifecycle import GUARD_S
from tests.telephony.stage import NUMBER, finished, set_stage

TIMEOUT = pytest.mark.timeout(150)


@TIMEOUT
async def test_a_whole_call_reaches_its_goal(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("eager")
        call_id = new_id()
        assert (await stage.dial(call_id)).accepted
        found = await stage.until(call_id, events.Closed, 100)
        end = finished(found)
        assert (end.state, end.outcome, end.answered_by) == (State.ENDED, Outcome.GOAL_REACHED, AnsweredBy.HUMAN)
        assert [event.seq for event in found] == list(range(1, len(found) + 1))
        assert any(
            isinstance(event.body, events.FactNoted) and event.body.kind is events.FactKind.MEETING_BOOKED
            for event in found
        )
        stored = next(event.body for event in found if isinstance(event.body, events.RecordingStored))
        with wave.open(str(tmp_path / "store" / stored.key)) as recording:
            assert recording.getnchannels() == 2
            samples = np.frombuffer(recording.readframes(recording.getnframes()), dtype=np.int16).reshape(-1, 2)
        assert np.abs(samples.astype(int)).max(axis=0).min() > 2_000  # both are heard
        assert not list(tmp_path.glob("voice/*/spool/*"))
        # The journal stays until the CRM has committed the call's last event.
        mark = f"{found[-1].epoch}:{found[-1].seq}"
        await stage.redis.set(wire.committed_key(stage.org_id, call_id), mark)
        async with asyncio.timeout(5):
            while journal.leftovers(tmp_path / "voice" / stage.settings.node / "journal"):  # noqa: ASYNC110
                await asyncio.sleep(0.1)


@TIMEOUT
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
        other = await stage.dial(new_id())
        assert other.reason == "node_full"
        hang_up = await stage.send(command.HangUp(new_id(), call_id))
        assert hang_up.reason == "call_not_here"  # of another organisation
        assert (await stage.send(command.HangUp(stage.org_id, call_id))).accepted
        await stage.until(call_id, events.Closed, 30)
        assert not (await stage.http.get("/box/calls")).json()[1:], "one call was placed, not more"


@TIMEOUT
@pytest.mark.parametrize(("persona", "outcome"), [("busy", Outcome.LINE_BUSY), ("no_answer", Outcome.NO_ANSWER)])
async def test_a_line_that_is_not_answered(redis_url: str, tmp_path: Path, persona: str, outcome: Outcome) -> None:
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat(persona)
        call_id = new_id()
        await stage.dial(call_id, ring_timeout_s=5)
        end = finished(await stage.until(call_id, events.Closed, 30))
        assert (end.state, end.outcome, end.answered_by, end.billable_s) == (State.FAILED, outcome, None, 0)


@TIMEOUT
async def test_a_stream_cut_without_stop_ends_the_call_and_keeps_its_recording(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("eager")
        await stage.fault(cut_stream_after_ms=4_000)
        call_id = new_id()
        await stage.dial(call_id)
        found = await stage.until(call_id, events.Closed, 40)
        end = finished(found)
        assert (end.state, end.outcome, end.reason) == (State.ENDED, Outcome.SERVICE_FAILURE, "stream_lost")
        assert end.billable_s >= 4
        stored = next(event.body for event in found if isinstance(event.body, events.RecordingStored))
        assert stored.duration_s >= 3
        assert (await stage.carrier_truth(found))["status"] == "completed"


@TIMEOUT
async def test_garbage_on_the_socket_disturbs_nothing(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("opt_out")
        await stage.fault(garbage_after_ms=1_000)
        call_id = new_id()
        await stage.dial(call_id)
        found = await stage.until(call_id, events.Closed, 60)
        assert finished(found).outcome is Outcome.OPTED_OUT


@TIMEOUT
async def test_callbacks_twice_and_out_of_order_change_nothing(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("opt_out")
        await stage.fault(duplicate=1.0, reorder=0.5)
        call_id = new_id()
        await stage.dial(call_id)
        found = await stage.until(call_id, events.Closed, 60)
        assert finished(found).outcome is Outcome.OPTED_OUT
        assert sum(isinstance(event.body, events.Answered) for event in found) == 1


@TIMEOUT
async def test_a_carrier_that_refuses_is_not_asked_again(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.fault(refuse={"status": 400, "code": 21215})
        call_id = new_id()
        await stage.dial(call_id)
        end = finished(await stage.until(call_id, events.Closed, 20))
        assert (end.state, end.outcome, end.reason) == (State.FAILED, Outcome.REFUSED, "carrier_21215")


@TIMEOUT
async def test_a_dial_in_doubt_is_found_and_never_placed_twice(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("opt_out")
        await stage.fault(refuse={"status": 503, "dial_anyway": True})
        call_id = new_id()
        await stage.dial(call_id)
        found = await stage.until(call_id, events.Closed, 60)
        assert finished(found).outcome is Outcome.OPTED_OUT
        assert len((await stage.http.get("/box/calls")).json()) == 1


@TIMEOUT
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


@TIMEOUT
async def test_a_full_disk_ends_the_recording_not_the_call(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: object, frames: bytes) -> None:
        raise OSError(28, os.strerror(28))

    # The disk itself cannot be filled here; the call that meets it is the operating system's, one line deep.
    monkeypatch.setattr("media.recording.spool.Spool.append", full)
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("opt_out")
        call_id = new_id()
        await stage.dial(call_id)
        found = await stage.until(call_id, events.Closed, 60)
        assert finished(found).outcome is Outcome.OPTED_OUT
        failed = [event.body for event in found if isinstance(event.body, events.RecordingFailed)]
        assert [body.reason for body in failed] == ["disk_full"]


@TIMEOUT
async def test_lost_callbacks_are_made_up_for_by_asking_the_carrier(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GUARD_S, State.DIALING, 7.0)
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("no_answer")
        await stage.fault(lose=1.0)
        call_id = new_id()
        await stage.dial(call_id, ring_timeout_s=5)
        end = finished(await stage.until(call_id, events.Closed, 30))
        assert (end.state, end.outcome) == (State.FAILED, Outcome.NO_ANSWER)
