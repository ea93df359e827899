"""Notes of calls that are over: written by the script or a model, tried again, left to people; nothing leaks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

import pytest
import structlog
from redis.asyncio import Redis
from sqlalchemy import update

from agent.llm.call_notes import WRITE_NOTES
from agent.llm.registry import Models
from agent.llm.usage import Price
from bench.providers.chat_script import Answer, Call, Fault, InTurn, Reaction, Refusal
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat
from crm.call_events import EventConsumer
from crm.calls.erasure import CONTENT, erase
from crm.database import utc_now
from crm.identity.tokens import Identity
from crm.resources import Resources
from crm.understanding import after_call
from crm.understanding.after_call import ATTEMPTS_MAX
from crm.understanding.model import CallNotes, NoteDuty, Objection
from crm.unit_of_work import UnitOfWork
from events.wire import MODELS_OFF
from tests.crm.call_story import lead_of, rows
from tests.crm.conftest import Org
from tests.crm.fake_node import CallScript, FakeNode
from tests.crm.understanding.calls import SECRET, desk, held, use_playbook, write_all

MODEL: Final = "openai:m"
SUMMARY: Final = "Dana found it too expensive. A call-back was agreed for tomorrow at ten."
FIELDS: Final = {"name": "Diana", "email": "Dana@Example.com", "budget": "500", "interests": ["solar"], "age": 4}
GOOD: Final = Answer(
    calls=(Call(WRITE_NOTES, {"summary": SUMMARY, "fields": FIELDS}),), prompt_tokens=200, completion_tokens=30
)


@pytest.fixture(autouse=True)
def asked_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(after_call, "UNHURRIED", replace(after_call.UNHURRIED, retry_after_s=0.02))


@pytest.fixture
async def script(consumer: EventConsumer, redis: Redis, resources: Resources, node: FakeNode, org: Org) -> CallScript:
    """A call that is over; its notes are to be written."""
    await use_playbook(resources, org)
    return await held(consumer, redis, resources, org)


async def notes_of(resources: Resources, org: Org) -> CallNotes:
    [notes] = await rows(resources.sessions, org, CallNotes)
    assert isinstance(notes, CallNotes)
    return notes


async def make_due(resources: Resources, call_id: UUID) -> None:
    async with UnitOfWork(resources.sessions) as unit:
        await unit.session.execute(update(NoteDuty).where(NoteDuty.call_id == call_id).values(due_at=utc_now()))
        await unit.commit()


async def with_model(resources: Resources, redis: Redis, *plays: Reaction, names: tuple[str, ...] = (MODEL,)) -> Any:
    """Write what is due with a model that plays those; return what the server saw."""
    async with (
        ChatServer(OpenAIChat(), InTurn(plays), frozenset({"k"})) as server,
        Models({"openai": "k"}, base_urls={"openai": server.base_url}, prices={MODEL: Price(1_000, 1_000)}) as models,
    ):
        await write_all(resources, redis, desk(models, *names))
        return [seen for seen in server.seen if seen.method == "POST"]  # the others open connections


async def test_without_any_key_the_script_writes_them(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    async with Models({}) as models:
        assert await write_all(resources, redis, desk(models)) == 1
        assert await write_all(resources, redis, desk(models)) == 0
    notes = await notes_of(resources, org)
    assert (notes.status, notes.source, notes.attempts) == ("written", "script", 1)
    assert notes.summary == (
        "Alex spoke with Dana, who said 3 things. They asked to be called back: tomorrow at ten. Objections: price."
    )
    assert notes.fields == {"email": "dana@example.com", "next_step": "Call back: tomorrow at ten"}
    assert (await lead_of(resources.sessions, org)).email == "dana@example.com"


async def test_a_model_writes_them_and_what_is_known_stays(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    [seen] = await with_model(resources, redis, GOOD)
    assert seen.body["tool_choice"]["function"]["name"] == WRITE_NOTES
    shown = str(seen.body["messages"][-1])
    assert SECRET in shown
    assert "Do you pay the bills" not in shown, "the agent's words count as far as they were heard"
    notes = await notes_of(resources, org)
    assert (notes.status, notes.source, notes.model, notes.summary) == ("written", "model", MODEL, SUMMARY)
    assert notes.fields == {"name": "Dana", "email": "dana@example.com", "budget": "500", "interests": ["solar"]}
    assert notes.suggested == {"name": "Diana"}
    assert (notes.prompt_tokens, notes.completion_tokens, notes.cost_milli) == (200, 30, 1)
    lead = await lead_of(resources.sessions, org)
    assert (lead.name, lead.email, lead.next_step) == ("Dana", "dana@example.com", "Call back: tomorrow at ten")


@pytest.mark.parametrize(
    ("play", "reason"),
    [
        (Refusal(401), "exhausted"),
        (Refusal(500), "exhausted"),
        (Answer(("It went well.",)), "garbage: no notes in the answer"),
        (Answer(calls=(Call(WRITE_NOTES, {"fields": {}}),)), "garbage: summary is missing"),
        (Answer(calls=(Call(WRITE_NOTES, "{nope"),)), "exhausted"),
        (Answer(("x",), fault=Fault.CUT, fault_after=0), "exhausted"),
    ],
    ids=["refused key", "server error", "words", "no summary", "broken arguments", "cut"],
)
async def test_a_failure_is_tried_again_later_and_not_for_ever(
    script: CallScript, resources: Resources, redis: Redis, org: Org, play: Reaction, reason: str
) -> None:
    await with_model(resources, redis, play)
    notes = await notes_of(resources, org)
    assert (notes.status, notes.attempts, notes.reason) == ("pending", 1, reason)
    async with Models({}) as models:
        assert await write_all(resources, redis, desk(models)) == 0, "not before its time"
    for _ in range(ATTEMPTS_MAX):
        await make_due(resources, script.call_id)
        await with_model(resources, redis, play)
    notes = await notes_of(resources, org)
    assert (notes.status, notes.attempts, notes.summary) == ("failed", ATTEMPTS_MAX, "")
    assert await rows(resources.sessions, org, NoteDuty) == []


async def test_after_a_failure_the_next_attempt_writes_them(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    await with_model(resources, redis, Refusal(500))
    await make_due(resources, script.call_id)
    await with_model(resources, redis, GOOD)
    notes = await notes_of(resources, org)
    assert (notes.status, notes.attempts, notes.reason) == ("written", 2, "")


async def test_a_model_without_a_key_is_a_failure_that_says_so(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    async with Models({}) as models:
        await write_all(resources, redis, desk(models, MODEL))
    assert (await notes_of(resources, org)).reason == "model_unavailable"


async def test_while_the_models_are_off_the_notes_wait_and_lose_no_attempt(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    await redis.set(MODELS_OFF, "1")
    assert await with_model(resources, redis, GOOD) == []
    notes = await notes_of(resources, org)
    assert (notes.status, notes.reason, notes.attempts) == ("waiting", "models_off", 0)
    await redis.delete(MODELS_OFF)
    await make_due(resources, script.call_id)
    await with_model(resources, redis, GOOD)
    assert (await notes_of(resources, org)).status == "written"


async def test_the_script_is_no_model_and_goes_on_while_they_are_off(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    await redis.set(MODELS_OFF, "1")
    assert await with_model(resources, redis, GOOD, names=(MODEL, "scripted")) == []
    assert (await notes_of(resources, org)).source == "script"


async def test_models_that_stay_off_leave_the_notes_to_people(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    await redis.set(MODELS_OFF, "1")
    async with UnitOfWork(resources.sessions, org.id) as unit:
        long_ago = utc_now() - timedelta(days=2)
        await unit.session.execute(update(CallNotes).where(CallNotes.org_id == org.id).values(created_at=long_ago))
        await unit.commit()
    await with_model(resources, redis, GOOD)
    notes = await notes_of(resources, org)
    assert (notes.status, notes.reason) == ("failed", "models_off")
    assert await rows(resources.sessions, org, NoteDuty) == []


async def test_where_models_fail_the_script_behind_them_writes(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    await with_model(resources, redis, Refusal(500), names=(MODEL, "scripted"))
    notes = await notes_of(resources, org)
    assert (notes.status, notes.source, notes.model) == ("written", "script", "scripted")


async def test_words_that_are_erased_meanwhile_are_not_written_down(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    person = Identity(org.user_id, org.email, "admin", org.id)
    await erase(script.call_id, CONTENT, person, UnitOfWork(resources.sessions, org.id))
    assert await rows(resources.sessions, org, CallNotes) == []
    assert await rows(resources.sessions, org, NoteDuty) == []
    [objection] = await rows(resources.sessions, org, Objection)
    assert (objection.kind, objection.quote) == ("price", None)
    assert await with_model(resources, redis, GOOD) == []


async def test_what_was_said_is_in_no_log(script: CallScript, resources: Resources, redis: Redis, org: Org) -> None:
    with structlog.testing.capture_logs() as logs:
        await with_model(resources, redis, Answer(("Dana said it is expensive.",)))
        await make_due(resources, script.call_id)
        await with_model(resources, redis, GOOD)
    assert {"notes.failed", "notes.written", "llm.call"} <= {line["event"] for line in logs}
    for word in ("expensive", "dana", "Dana", "example"):
        assert word not in str(logs)


async def test_a_fault_of_ours_costs_an_attempt_and_stops_nobody(
    script: CallScript, resources: Resources, redis: Redis, org: Org
) -> None:
    class Broken(Models):
        async def open(self, *_names: object, **_options: object) -> Any:
            raise KeyError("a bug")

    with structlog.testing.capture_logs() as logs:
        async with Broken({}) as models:
            assert await write_all(resources, redis, desk(models)) == 1
    assert (await notes_of(resources, org)).reason == "internal_error"
    assert "notes.died" in {line["event"] for line in logs}
