"""Callers on their way to a person, when the operator stops the models; on a virtual clock."""

import asyncio
from typing import Final

import pytest

from agent.handing_over import ASK_TIMEOUT_S, HandOver, hand_over, in_conversation
from agent.llm.port import EventName, Message, Role
from agent.reply import Reply, Waterfall
from agent.stock_phrases import stock_phrases
from tests.virtual_clock import run_virtual

PHRASES: Final = stock_phrases()
GREETED: Final = Message(Role.ASSISTANT, "Hello, this is Alex.")
SAID: Final = (GREETED, Message(Role.USER, "Who is it?"))


def handed_over(ask: HandOver | None, messages: tuple[Message, ...] = SAID) -> tuple[bool, list[str], Reply]:
    said: list[str] = []

    async def say(words: str) -> None:
        said.append(words)

    reply = Reply(1, Waterfall())

    async def run() -> bool:
        return await hand_over(reply, messages, ask, say, PHRASES)

    return run_virtual(run()), said, reply


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def never() -> bool:
    await asyncio.sleep(ASK_TIMEOUT_S + 60)
    return True


def test_who_is_taken_is_told_so() -> None:
    done, said, reply = handed_over(yes)
    assert (done, said) == (True, [PHRASES.one_moment, PHRASES.handing_over])
    assert [call.name for call in reply.calls] == ["granted transfer"]


@pytest.mark.parametrize("ask", [no, never])
def test_where_nobody_takes_them_or_says_so_in_time_the_reply_is_left_for_a_goodbye(ask: HandOver) -> None:
    done, said, reply = handed_over(ask)
    assert (done, said, reply.calls, reply.failed) == (False, [PHRASES.one_moment], [], "")


def test_without_people_nothing_is_said_of_them() -> None:
    assert handed_over(None)[:2] == (False, [])


@pytest.mark.parametrize("event", list(EventName))
def test_only_a_person_who_waits_for_an_answer_is_handed_over(event: EventName) -> None:
    waits = {EventName.SILENCE, EventName.NOT_UNDERSTOOD, EventName.HANDED_BACK}
    assert in_conversation((GREETED, Message(Role.EVENT, event))) is (event in waits)


def test_who_was_not_greeted_is_not_handed_over() -> None:
    assert handed_over(yes, (Message(Role.USER, "Hello?"),))[:2] == (False, [])
