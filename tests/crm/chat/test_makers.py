"""Answers in the making: a fault of ours in one of them is that one's."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator

import pytest
from redis.asyncio import Redis

from agent.llm.port import Delta, Message, Request, Role, Text
from crm import bus
from crm.chat.answer_log import LAST, AnswerLog, Entry, Kind
from crm.chat.makers import Makers
from events.ids import new_id

QUESTION = Request((Message(Role.USER, "Well?"),))


class Broken:
    async def reply(self, _request: Request) -> AsyncGenerator[Delta, None]:
        yield Text("It is")
        raise AttributeError("a bug")


class Slow:
    def __init__(self) -> None:
        self.go_on = asyncio.Event()

    async def reply(self, _request: Request) -> AsyncGenerator[Delta, None]:
        yield Text("Yes,")
        await self.go_on.wait()
        yield Text(" it is.")


class Deaf:
    """Loses the first cancellation, as Redis' client does now and then."""

    async def reply(self, _request: Request) -> AsyncGenerator[Delta, None]:
        yield Text("It is")
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(60)


async def whole(log: AnswerLog) -> list[Entry]:
    found: list[Entry] = []
    async with asyncio.timeout(10):
        while not found or found[-1].kind not in LAST:
            found += await log.read(found[-1].number if found else 0, 100)
    return found


async def test_a_bug_in_one_answer_leaves_the_others_and_the_process(redis: Redis) -> None:
    org_id, slow = new_id(), Slow()
    async with Makers.running(redis) as makers:
        other = await makers.start(org_id, slow, QUESTION)
        broken = await makers.start(org_id, Broken(), QUESTION)
        entries = await whole(AnswerLog(redis, org_id, broken))
        assert [entry.kind for entry in entries] == [Kind.STARTED, Kind.TEXT, Kind.FAILED]
        assert json.loads(entries[-1].data) == {"reason": "internal_error"}
        assert "bug" not in str(entries)
        slow.go_on.set()
        assert (await whole(AnswerLog(redis, org_id, other)))[-1].kind is Kind.DONE


async def test_a_cancellation_that_was_lost_does_not_keep_the_process(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bus, "CANCEL_AGAIN_S", 0.05)
    org_id = new_id()
    async with asyncio.timeout(10):
        async with Makers.running(redis) as makers:
            log = AnswerLog(redis, org_id, await makers.start(org_id, Deaf(), QUESTION))
            while len(await log.read(0, 100)) < 2:
                pass
    assert [entry.kind for entry in await log.read(0, 1)] == [Kind.STARTED, Kind.TEXT, Kind.RESTART]
