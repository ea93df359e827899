"""The gateway over real sockets and the vendors' SDKs: each failure of the list, with another vendor behind it.

On the wall clock, so nothing here is judged by how long it took.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace
from typing import Final

import pytest

from agent.llm.anthropic import AnthropicModel
from agent.llm.attempt import Route
from agent.llm.breaker import Breaker
from agent.llm.gateway import Gateway
from agent.llm.gemini import GeminiModel
from agent.llm.links import Access, open_links
from agent.llm.openai import OpenAIModel
from agent.llm.port import Failure, Message, ModelUnavailable, Request, Role, Text, Usage
from agent.llm.race import Patience
from agent.llm.usage import Fate, ModelCall
from bench.providers.anthropic_messages import AnthropicMessages
from bench.providers.chat_script import Answer, Fault, InTurn, Reaction, Refusal
from bench.providers.chat_server import ChatServer
from bench.providers.gemini_generate import GeminiGenerate
from bench.providers.openai_chat import OpenAIChat

REQUEST: Final = Request((Message(Role.USER, "well?"),))
PIECES: Final = ("I can", " call you", " back tom", "orrow.")
WHOLE: Final = "I can call you back tomorrow."
# Short, so that the tests are; the machine may be slow, and then a rival more is asked, which changes no word.
PATIENCE: Final = Patience(hedge_after_s=0.4, first_token_s=1.2, next_token_s=0.6)
# For answers that break: only one that stalls has to be waited for.
UNHURRIED: Final = Patience(hedge_after_s=8.0, first_token_s=9.0, next_token_s=0.6, give_up_s=10.0)
GOOD: Final = Answer(PIECES)


class System:
    """Three vendors in a cascade, one server each."""

    def __init__(
        self, servers: list[ChatServer], routes: list[Route], tasks: asyncio.TaskGroup, calls: list[ModelCall]
    ) -> None:
        self.servers, self.calls = servers, calls
        self._routes, self._tasks = routes, tasks

    def play(self, *reactions: Reaction) -> None:
        for server, reaction in zip(self.servers, reactions, strict=True):
            server.script = InTurn((reaction,))

    async def say(self, patience: Patience = PATIENCE) -> str:
        gateway = Gateway(self._routes, self._tasks, self.calls.append, patience=patience)
        async with asyncio.timeout(30), aclosing(gateway.reply(REQUEST)) as deltas:
            return "".join([delta.text async for delta in deltas if isinstance(delta, Text)])


@pytest.fixture
async def system() -> AsyncGenerator[System]:
    calls: list[ModelCall] = []
    kinds = ((OpenAIChat, OpenAIModel), (AnthropicMessages, AnthropicModel), (GeminiGenerate, GeminiModel))
    async with AsyncExitStack() as stack:
        links = await stack.enter_async_context(open_links())
        servers, routes = [], []
        for dialect, make in kinds:
            server = await stack.enter_async_context(ChatServer(dialect(), InTurn((GOOD,))))
            servers.append(server)
            routes.append(Route(dialect.__name__, make(Access("k", server.base_url), "m", links), Breaker()))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        yield System(servers, routes, tasks, calls)


@pytest.mark.parametrize(
    ("first", "failure"),
    [
        (Refusal(401), Failure.REFUSED_KEY),
        (Refusal(429, retry_after_s=30), Failure.RATE_LIMITED),
        (Refusal(500), Failure.UNAVAILABLE),
        (Refusal(529), Failure.UNAVAILABLE),
        (Refusal(503, body=b"<html>"), Failure.UNAVAILABLE),
        (Answer(()), Failure.EMPTY),
        (Answer(PIECES, fault=Fault.GARBAGE), Failure.GARBAGE),
        (Answer(PIECES, fault=Fault.TRUNCATED), Failure.CUT),
        (Answer(PIECES, fault=Fault.ERROR_EVENT), Failure.UNAVAILABLE),
    ],
)
async def test_a_failure_before_the_first_word_is_not_heard(system: System, first: Reaction, failure: Failure) -> None:
    system.play(first, GOOD, GOOD)
    assert await system.say() == WHOLE
    failed, spoken = system.calls
    assert (failed.fate, failed.failure) == (Fate.FAILED, failure)
    assert (spoken.provider, spoken.fate, spoken.usage) == ("AnthropicMessages", Fate.SPOKEN, Usage(20, 7))


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_failure_in_mid_answer_is_not_heard(system: System, fault: Fault) -> None:
    """The first breaks inside a word, the second goes on and breaks too, the third finishes with a repetition."""
    first = Answer(PIECES, gap_s=0.02, fault=fault, fault_after=2)
    second = Answer(("you back", " tom", "orrow."), gap_s=0.02, fault=fault, fault_after=2)
    system.play(first, second, Answer(("I can call", " you back", " tomorrow.")))
    stalls = fault is Fault.STALL
    assert await system.say(UNHURRIED if stalls else replace(UNHURRIED, next_token_s=8.0)) == WHOLE
    assert [seen.pieces_sent for server in system.servers for seen in server.seen] == [2, 2, 3]
    assert "I can call " in str(system.servers[1].seen[0].body)


async def test_a_cut_before_the_first_word(system: System) -> None:
    system.play(Answer(PIECES, fault=Fault.CUT), GOOD, GOOD)
    assert await system.say() == WHOLE


async def test_a_slow_first_token_starts_a_rival_and_its_socket_is_closed(system: System) -> None:
    system.play(Answer(PIECES, first_token_s=30), GOOD, GOOD)
    assert await system.say() == WHOLE
    await system.servers[0].until(left=1)
    lost = next(call for call in system.calls if call.provider == "OpenAIChat")
    assert lost.fate is Fate.LOST
    assert lost.estimated
    assert lost.usage.prompt_tokens > 0


async def test_all_of_them_down(system: System) -> None:
    system.play(Refusal(500), Refusal(429), Answer(()))
    with pytest.raises(ModelUnavailable) as caught:
        await system.say()
    assert caught.value.failure is Failure.EXHAUSTED
    # The two that failed in passing were asked once more; the rate limit was kept.
    assert [call.fate for call in system.calls] == [Fate.FAILED] * 5
    assert [len(server.seen) for server in system.servers] == [2, 1, 2]


async def test_nobody_to_connect_to(system: System) -> None:
    async with asyncio.TaskGroup() as tasks, open_links() as links:
        calls: list[ModelCall] = []
        gone = OpenAIModel(Access("k", "http://127.0.0.1:9"), "m", links)
        gateway = Gateway([Route("gone", gone, Breaker())], tasks, calls.append, patience=PATIENCE)
        with pytest.raises(ModelUnavailable):
            async with aclosing(gateway.reply(REQUEST)) as deltas:
                await anext(deltas)
    assert calls[0].failure is Failure.UNAVAILABLE
    assert calls[0].usage == Usage(0, 0)
