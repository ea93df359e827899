"""What is done in a call: once, in its order, and told whatever became of it."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from agent.llm.port import ToolCall
from agent.tools.port import DeskAway
from agent.tools.toolbox import JOBS_MAX, Job, Outcome, Toolbox
from events import call as events
from events.call import FactKind, ToolFate
from events.tool import ToolAnswer, ToolName
from tests.agent.tools.desk import BOOKED, ScriptedDesk

EVERY = tuple(name.value for name in ToolName)
SLOT = {"starts_at": "2026-11-24T10:00"}


class Call:
    """A toolbox at work, and what it told the call."""

    def __init__(self, desk: ScriptedDesk, names: tuple[str, ...] = EVERY) -> None:
        self.desk = desk
        self.told: list[events.Body] = []
        self.box = Toolbox(desk, names, self.told.append, asyncio.get_running_loop().time)

    def start(self, name: str, arguments: dict[str, Any] | None = None, **told: Any) -> Job:
        call = self.box.number(ToolCall("vendor's", name, arguments or {}))
        checked = self.box.check(call)
        assert not isinstance(checked, Outcome), checked
        return self.box.start(call, *checked, **told)

    async def do(self, name: str, arguments: dict[str, Any] | None = None) -> Outcome:
        job = self.start(name, arguments)
        async with asyncio.timeout(5):
            await job.over.wait()
        assert job.outcome is not None
        return job.outcome

    def fates(self) -> list[tuple[str, ToolFate]]:
        return [(body.name, body.fate) for body in self.told if isinstance(body, events.ToolUsed)]

    def facts(self) -> list[events.FactNoted]:
        return [body for body in self.told if isinstance(body, events.FactNoted)]


@contextlib.asynccontextmanager
async def at_work(desk: ScriptedDesk | None = None) -> AsyncGenerator[Call]:
    call = Call(desk or ScriptedDesk())
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(call.box.run())
        yield call
        working.cancel()


async def test_what_the_crm_did_is_told_to_the_model_and_the_call() -> None:
    async with at_work() as call:
        outcome = await call.do("book_slot", SLOT | {"title": "demo"})
    assert outcome.fate is ToolFate.DONE
    assert json.loads(outcome.text) == BOOKED.result
    assert call.desk.asked == [("book_slot", "call_1", SLOT | {"title": "demo"})]
    [fact] = call.facts()
    assert (fact.kind, fact.text, fact.when) == (FactKind.MEETING_BOOKED, "demo", "Tuesday, 10:00")
    assert call.fates() == [("book_slot", ToolFate.DONE)]


async def test_the_same_thing_is_done_once_a_call_and_answered_each_time() -> None:
    async with at_work() as call:
        first = await call.do("book_slot", SLOT)
        assert await call.do("book_slot", SLOT) == first
        assert len(call.desk.asked) == 1
        assert len(call.facts()) == 1
        await call.do("book_slot", {"starts_at": "2026-11-24T11:00"})
        await call.do("look_up_lead")
        await call.do("look_up_lead")
    assert [name for name, *_ in call.desk.asked] == ["book_slot", "book_slot", "look_up_lead", "look_up_lead"]
    assert len({key for _, key, _ in call.desk.asked}) == 4, "each request has a key of its own"


async def test_what_is_in_doubt_is_asked_for_again_under_the_same_key() -> None:
    replies: list[ToolAnswer | DeskAway] = [DeskAway("crm_readtimeout", in_doubt=True), BOOKED]
    async with at_work(ScriptedDesk(lambda name: replies.pop(0))) as call:
        first = await call.do("book_slot", SLOT)
        assert first.fate is ToolFate.IN_DOUBT
        assert "confirm" in first.text
        assert call.facts() == [], "nothing is noted that may not be"
        assert (await call.do("book_slot", SLOT)).fate is ToolFate.DONE
    assert [key for _, key, _ in call.desk.asked] == ["call_1", "call_1"]


@pytest.mark.parametrize(
    ("reply", "fate", "said"),
    [
        (DeskAway("crm_away", in_doubt=False), ToolFate.FAILED, "was not done"),
        (ToolAnswer({"refused": "taken"}, refused=True), ToolFate.REFUSED, "taken"),
    ],
)
async def test_what_was_not_done_may_be_tried_again(reply: Any, fate: ToolFate, said: str) -> None:
    async with at_work(ScriptedDesk(lambda name: reply)) as call:
        outcome = await call.do("book_slot", SLOT)
        assert outcome.fate is fate
        assert said in outcome.text
        await call.do("book_slot", SLOT)
    assert len(call.desk.asked) == 2
    assert call.facts() == []


async def test_a_look_up_that_nobody_answered_is_not_in_doubt() -> None:
    async with at_work(ScriptedDesk(lambda name: DeskAway("x", in_doubt=True))) as call:
        assert (await call.do("look_up_lead")).fate is ToolFate.FAILED


async def test_what_the_call_does_by_itself_needs_no_crm() -> None:
    async with at_work(ScriptedDesk(lambda name: DeskAway("crm_away", in_doubt=False))) as call:
        for name, arguments in [
            ("mark_do_not_call", {}),
            ("schedule_callback", {"when": "Tuesday at ten", "at": "2026-11-24T10:00"}),
            ("send_message", {"channel": "email", "text": "the offer", "to": "a@b.example"}),
            ("press_keys", {"keys": "1w2#"}),
        ]:
            assert (await call.do(name, arguments)).fate is ToolFate.DONE
            await call.do(name, arguments)
    assert call.desk.asked == []
    opted, later = call.facts()
    assert opted.kind is FactKind.OPTED_OUT
    assert (later.kind, later.when, later.details) == (
        FactKind.CALLBACK_REQUESTED,
        "Tuesday at ten",
        {"at": "2026-11-24T10:00"},
    )
    [message] = [body for body in call.told if isinstance(body, events.MessageRequested)]
    assert (message.channel, message.text, message.to) == ("email", "the offer", "a@b.example")


async def test_a_job_goes_on_when_whoever_waited_for_it_has_left() -> None:
    results: list[tuple[str, str]] = []
    async with at_work(ScriptedDesk(delay_s=0.05)) as call:
        job = call.start("book_slot", SLOT, tell=lambda key, text: results.append((key, text)))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await job.over.wait()
        async with asyncio.timeout(5):
            await call.box.finish()
    assert call.desk.answered == ["call_1"]
    assert [key for key, _ in results] == ["call_1"]
    assert call.fates() == [("book_slot", ToolFate.DONE)]


async def test_too_much_at_once_is_refused_and_what_waits_is_done_in_order() -> None:
    call = Call(ScriptedDesk())
    jobs = [call.start("book_slot", {"starts_at": f"2026-11-24T1{n % 10}:00"}) for n in range(JOBS_MAX + 1)]
    assert jobs[-1].outcome is not None
    assert jobs[-1].outcome.fate is ToolFate.REFUSED
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(call.box.run())
        await call.box.finish()
        working.cancel()
    assert [key for _, key, _ in call.desk.asked] == [f"call_{n + 1}" for n in range(JOBS_MAX)]


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("fly", {}, "there is no tool fly"),
        ("transfer_call", {}, "there is no tool"),  # not among this agent's
        ("book_slot", {}, "starts_at"),
        ("book_slot", {"starts_at": "at ten"}, "starts_at"),
        ("book_slot", {"starts_at": "2026-02-30T10:00"}, "no day"),
        ("book_slot", SLOT | {"who": "me"}, "who"),
        ("press_keys", {"keys": "1-2"}, "keys"),
        ("send_message", {"channel": "fax", "text": "x"}, "fax"),
        ("note_fact", {"kind": "gossip"}, "gossip"),
        ("end_call", {"outcome": "bored"}, "bored"),
        ("schedule_callback", {"when": "later", "at": "2026-11-24T25:00"}, "no day"),
    ],
)
async def test_what_cannot_be_asked_for_is_told_to_the_model(name: str, arguments: dict[str, Any], why: str) -> None:
    call = Call(ScriptedDesk(), tuple(set(EVERY) - {"transfer_call"}))
    checked = call.box.check(ToolCall("1", name, arguments))
    assert isinstance(checked, Outcome)
    assert checked.fate is ToolFate.REFUSED
    assert why in checked.text


async def test_vendors_ids_that_repeat_are_told_apart() -> None:
    box = Call(ScriptedDesk()).box
    same = ToolCall("call_0", "end_call", {}, b"signed")
    first, second = box.number(same), box.number(same)
    assert first.id != second.id
    assert first.signature == b"signed"
