"""Providers that play steps, on a virtual clock, behind a gateway."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final, TypeVar

import pytest

from agent.llm.attempt import Route
from agent.llm.breaker import Breaker
from agent.llm.gateway import Gateway
from agent.llm.port import (
    Delta,
    Failure,
    Finish,
    FinishReason,
    Message,
    ModelUnavailable,
    Request,
    Role,
    Text,
    Usage,
)
from agent.llm.race import Patience
from agent.llm.usage import ModelCall, Price
from tests.virtual_clock import run_virtual

T = TypeVar("T")
Step = float | str | Delta | Exception
REQUEST: Final = Request((Message(Role.USER, "well?"),))
PATIENCE: Final = Patience(hedge_after_s=0.5, first_token_s=2.0, next_token_s=1.0)
SLOW: Final = Patience(hedge_after_s=3.2, first_token_s=3.3)
WORDS: Final = "I can call you back tomorrow at three if that suits you. "
NEVER: Final = 3600.0


class Player:
    """A provider that plays steps: a number waits, text is said, an error is raised. One list for each request."""

    def __init__(self, *plays: list[Step]) -> None:
        self.plays = plays
        self.requests: list[Request] = []
        self.asked_s: list[float] = []
        self.left = 0

    async def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        play = self.plays[min(len(self.requests), len(self.plays) - 1)]
        self.requests.append(request)
        self.asked_s.append(asyncio.get_running_loop().time())
        try:
            for step in play:
                if isinstance(step, float):
                    await asyncio.sleep(step)
                elif isinstance(step, str):
                    yield Text(step)
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield step
        except (asyncio.CancelledError, GeneratorExit):
            self.left += 1
            raise


class Scene:
    def __init__(self, *players: Player, script: int | None = None, slow: bool = False, **options: Any) -> None:
        self.patience = SLOW if slow else PATIENCE
        self.players = players
        self.breakers = [Breaker() for _ in players]
        self.calls: list[ModelCall] = []
        self.script = script
        self.options = options

    def run(self, use: Callable[[Gateway], Coroutine[Any, Any, T]]) -> T:
        return run_virtual(self._run(use))

    async def _run(self, use: Callable[[Gateway], Coroutine[Any, Any, T]]) -> T:
        async with asyncio.TaskGroup() as tasks:
            routes = [
                Route(f"p{number}", player, breaker, Price(1_000_000, 2_000_000), is_script=number == self.script)
                for number, (player, breaker) in enumerate(zip(self.players, self.breakers, strict=True))
            ]
            return await use(Gateway(routes, tasks, self.calls.append, patience=self.patience, **self.options))

    def answer(self, request: Request = REQUEST) -> list[Delta]:
        return self.run(lambda gateway: collect(gateway, request))

    def failing(self) -> tuple[str, ModelUnavailable]:
        said: list[Delta] = []

        async def use(gateway: Gateway) -> None:
            async with aclosing(gateway.reply(REQUEST)) as deltas:
                async for delta in deltas:
                    said.extend([delta])

        with pytest.raises(ExceptionGroup) as group:
            self.run(use)
        (error,) = group.value.exceptions
        assert isinstance(error, ModelUnavailable)
        return text(said), error


async def collect(gateway: Gateway, request: Request = REQUEST) -> list[Delta]:
    async with aclosing(gateway.reply(request)) as deltas:
        return [delta async for delta in deltas]


def text(deltas: list[Delta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, Text))


def words(spoken: str = WORDS) -> list[Step]:
    """A steady answer, a word every 20 ms."""
    steps: list[Step] = []
    for word in spoken.split():
        steps += [0.02, f"{word} "]
    return [*steps, Usage(10, 5), Finish(FinishReason.STOP)]


def unavailable(failure: Failure = Failure.UNAVAILABLE) -> ModelUnavailable:
    return ModelUnavailable("away", failure)
