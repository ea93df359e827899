"""Calls that come in, as the carrier asks about them: each question gets one answer, whatever is away."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from twilio.request_validator import RequestValidator

from events import call as events
from events import command, plan
from events.call import Outcome, State
from events.ids import new_id
from events.incoming import IncomingAnswer, IncomingQuestion, NotTaken
from telephony import reception as reception_module
from telephony.declined_words import declined_words
from tests.telephony.stage import Stage, finished, set_stage

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("stage"),
    pytest.mark.asyncio(loop_scope="module"),
]
OURS = "+12025550100"


@pytest_asyncio.fixture(scope="module", loop_scope="module", name="stage")
async def _stage(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """One for all: held by a task of its own, for a fixture may be left from another one than it was entered by."""
    ready, over = asyncio.get_running_loop().create_future(), asyncio.Event()

    async def hold() -> None:
        async with set_stage(redis_url, tmp_path_factory.mktemp("reception")) as stage:
            ready.set_result(stage)
            await over.wait()

    holding = asyncio.get_running_loop().create_task(hold())
    await asyncio.wait([ready, holding], return_when=asyncio.FIRST_COMPLETED)
    yield ready.result()
    over.set()
    await holding


def taken(stage: Stage, **changes: Any) -> Any:
    """Return what the CRM says of calls that are taken, each with a plan of its own."""

    def answer(asked: IncomingQuestion) -> IncomingAnswer:
        inbound = plan.Inbound(asked.carrier_call_id, asked.to_number)
        made = stage.plan(new_id(), inbound=inbound, **changes)
        return IncomingAnswer(made.call_id, made, 300, stage.settings.node)

    return answer


async def asked(stage: Stage, sid: str, path: str = "", signature: str = "", **more: str) -> httpx.Response:
    """Ask as the carrier does."""
    node = stage.settings.node
    url = f"http://127.0.0.1:{stage.settings.voice_port}/n/{node}/twilio/inbound{path}"
    form = {"CallSid": sid, "To": OURS, "From": "+12025550143", "CallStatus": "ringing"} | more
    signed = signature or RequestValidator(stage.settings.auth_token).compute_signature(url, form)
    async with httpx.AsyncClient() as carrier:
        return await carrier.post(url, data=form, headers={"x-twilio-signature": signed})


def new_sid() -> str:
    return f"CA{new_id().hex}"


def call_in(stage: Stage, reply: httpx.Response) -> UUID:
    """Return whose stream a document opens."""
    assert reply.status_code == 200
    node = stage.settings.node
    before, _, rest = reply.text.partition(f"/n/{node}/twilio/stream/")
    assert "<Connect><Stream" in before
    return UUID(rest[:36])


async def test_a_call_is_taken_once_however_often_the_carrier_asks(stage: Stage) -> None:
    stage.crm.incoming, stage.crm.incoming_delay_s = taken(stage), 0.2
    sid, before = new_sid(), len(stage.crm.rung)
    async with asyncio.TaskGroup() as tasks:
        asking = [tasks.create_task(asked(stage, sid)) for _ in range(3)]
    replies = [*(task.result() for task in asking), await asked(stage, sid)]
    stage.crm.incoming_delay_s = 0.0
    (call_id,) = {call_in(stage, reply) for reply in replies}
    assert len(stage.crm.rung) == before + 1, "the CRM is asked once"
    found = await stage.until(call_id, events.CarrierAccepted)
    states = [event.body for event in found if isinstance(event.body, events.StateChanged)]
    assert [(one.previous, one.state) for one in states] == [(State.IDLE, State.RINGING)]
    # The caller has had enough before the stream opens.
    assert (await asked(stage, sid, "/status", CallStatus="completed")).status_code == 204
    end = finished(await stage.until(call_id, events.Closed))
    assert (end.state, end.outcome, end.billable_s) == (State.FAILED, Outcome.HUNG_UP, 0)


async def test_a_caller_who_hangs_up_while_it_is_decided(stage: Stage) -> None:
    stage.crm.incoming, stage.crm.incoming_delay_s = taken(stage), 0.5
    sid = new_sid()
    async with asyncio.TaskGroup() as tasks:
        taking = tasks.create_task(asked(stage, sid))
        await asyncio.sleep(0.2)
        await asked(stage, sid, "/status", CallStatus="canceled")
    call_id = call_in(stage, taking.result())
    stage.crm.incoming_delay_s = 0.0
    end = finished(await stage.until(call_id, events.Closed))
    assert (end.state, end.outcome, end.reason) == (State.FAILED, Outcome.HUNG_UP, "canceled")


async def test_a_call_that_another_node_holds_goes_there(stage: Stage) -> None:
    call_id = new_id()
    stage.crm.incoming = lambda _asked: IncomingAnswer(call_id, node="voice-9")
    reply = await asked(stage, new_sid())
    assert f"/n/voice-9/twilio/stream/{call_id}" in reply.text


@pytest.mark.parametrize("reason", [NotTaken.NUMBER_UNKNOWN, NotTaken.NO_CREDIT, NotTaken.TOO_MANY_CALLS, "later"])
async def test_whoever_is_not_taken_hears_why(stage: Stage, reason: str) -> None:
    stage.crm.incoming = lambda _asked: IncomingAnswer(refused=reason, language="pt-BR")
    reply = await asked(stage, new_sid())
    assert f'<Say language="pt-BR">{declined_words(reason, "pt-BR")}</Say><Hangup' in reply.text
    assert "credit" not in declined_words(reason, "en-US")


async def test_a_call_of_ours_that_nobody_holds_any_more_is_over(stage: Stage) -> None:
    stage.crm.incoming = lambda _asked: IncomingAnswer(new_id(), node=stage.settings.node)
    assert declined_words(NotTaken.CALL_OVER, "en-US") in (await asked(stage, new_sid())).text


async def test_the_crm_away_or_in_another_language(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    not_now = declined_words(NotTaken.CRM_AWAY, "en-US")
    stage.crm.away = True
    assert not_now in (await asked(stage, new_sid())).text
    stage.crm.away = False
    monkeypatch.setattr(reception_module, "CRM_TIMEOUT_S", 0.1)
    stage.crm.incoming, stage.crm.incoming_delay_s = taken(stage), 0.5
    before = len(stage.crm.rung)
    assert not_now in (await asked(stage, new_sid())).text
    assert len(stage.crm.rung) == before + reception_module.TRIES
    stage.crm.incoming_delay_s = 0.0
    stage.crm.incoming = lambda _asked: "garbage"  # type: ignore[assignment,return-value]  # as a wrong server would
    assert not_now in (await asked(stage, new_sid())).text


async def test_a_plan_that_cannot_be_spoken_is_given_up_at_once(stage: Stage) -> None:
    stage.crm.incoming = taken(stage, providers=plan.Providers(stt="nobody"))
    assert declined_words(NotTaken.SPEECH_AWAY, "en-US") in (await asked(stage, new_sid())).text
    assert stage.crm.given_up[-1].reason == "bad_plan"


async def test_a_forged_question_is_told_nothing(stage: Stage) -> None:
    before = len(stage.crm.rung)
    assert (await asked(stage, new_sid(), signature="forged")).status_code == 403
    assert (await asked(stage, new_sid(), "/status", signature="forged")).status_code == 403
    assert len(stage.crm.rung) == before


async def test_a_node_that_drains_takes_no_more(stage: Stage) -> None:
    """The last of these tests: it stays so."""
    stage.crm.incoming = taken(stage)
    assert (await stage.send(command.Drain())).accepted
    assert declined_words(NotTaken.NO_ROOM, "en-US") in (await asked(stage, new_sid())).text
