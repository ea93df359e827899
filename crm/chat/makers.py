"""Answers in the making: one task each, owned by the process, so that a reader who leaves takes nothing along."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

import structlog
from redis.asyncio import Redis

from agent.llm.port import Finish, Model, ModelUnavailable, Request, Text, ToolCall
from crm.bus import REDIS_AWAY, end_tasks
from crm.chat.answer_log import AnswerLog, Kind
from crm.refusals import Refusal
from events.ids import new_id

ANSWER_MAX_S: Final = 120.0
KEEP_EVERY_S: Final = 1.0  # how soon a request to stop is noticed
MAKING_MAX: Final = 100  # in this process
MAKING_PER_ORG_MAX: Final = 10
FAREWELL_S: Final = 1.0

log = structlog.get_logger()


class TooManyAnswers(Refusal):
    def __init__(self, limit: int) -> None:
        super().__init__("too_many_answers", {"limit": limit})


@dataclass(slots=True, eq=False)
class _Making:
    org_id: UUID
    written: AnswerLog
    task: asyncio.Task[None] | None = None  # None: about to begin
    stopped: bool = False


class Makers:
    """`async with Makers.running(redis)`; when it is left, readers of unfinished answers are told to ask again."""

    def __init__(self, redis: Redis, tasks: asyncio.TaskGroup) -> None:
        self._redis = redis
        self._tasks = tasks
        self._making: set[_Making] = set()

    @classmethod
    @asynccontextmanager
    async def running(cls, redis: Redis) -> AsyncGenerator[Self]:
        async with asyncio.TaskGroup() as tasks:
            makers = cls(redis, tasks)
            keeping = tasks.create_task(makers._keep(), name="chat.keep")
            try:
                yield makers
            finally:
                await end_tasks([keeping, *(making.task for making in makers._making if making.task is not None)])

    async def start(
        self, org_id: UUID, model: Model, request: Request, on_failed: Callable[[], Awaitable[None]] | None = None
    ) -> UUID:
        """Begin an answer and return its id; `on_failed` is called when it has begun and is then not made.

        Raises:
            TooManyAnswers
            RedisError, OSError, TimeoutError: there is nowhere to put it.
        """
        if len(self._making) >= MAKING_MAX:
            raise TooManyAnswers(MAKING_MAX)
        if sum(making.org_id == org_id for making in self._making) >= MAKING_PER_ORG_MAX:
            raise TooManyAnswers(MAKING_PER_ORG_MAX)
        answer_id = new_id()
        making = _Making(org_id, AnswerLog(self._redis, org_id, answer_id))
        self._making.add(making)
        try:
            await making.written.open()
        except BaseException:
            self._making.discard(making)
            raise
        making.task = self._tasks.create_task(self._make(making, model, request, on_failed), name="chat.answer")
        return answer_id

    async def _make(
        self, making: _Making, model: Model, request: Request, on_failed: Callable[[], Awaitable[None]] | None
    ) -> None:
        """Write the answer down as it comes, to its end, whatever that is."""
        kind, reason = Kind.DONE, ""
        try:
            async with asyncio.timeout(ANSWER_MAX_S):
                await _write(making.written, model, request)
        except ModelUnavailable as error:
            kind, reason = Kind.FAILED, error.failure.value
        except TimeoutError:
            kind, reason = Kind.FAILED, "timeout"
        except asyncio.CancelledError:
            kind, reason = (Kind.FAILED, "stopped") if making.stopped else (Kind.RESTART, "server_stopping")
        except REDIS_AWAY as error:
            kind, reason = Kind.RESTART, "redis_away"
            log.warning("chat.answer_lost", reason=type(error).__name__)
        # A bug of ours ends this answer: the others, and the process, go on.
        except Exception:
            log.exception("chat.answer_died")
            kind, reason = Kind.FAILED, "internal_error"
        # Its place is free before its end can be read: whoever reads that may ask at once.
        self._making.discard(making)
        if on_failed is not None and kind is not Kind.DONE and not making.stopped:
            await on_failed()
        try:
            async with asyncio.timeout(FAREWELL_S):
                await making.written.append(kind, {"reason": reason} if reason else {})
                await making.written.end()
        except REDIS_AWAY:
            pass  # readers find no maker, and are told to ask again

    async def _keep(self) -> None:
        """Say of every answer that it is being made; stop those that somebody asked to stop."""
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            for making in tuple(self._making):
                try:
                    kept = await making.written.keep()
                except REDIS_AWAY:
                    break  # who writes will notice
                if not kept and making.task is not None and not making.task.done():
                    making.stopped = True
                    making.task.cancel()


async def _write(written: AnswerLog, model: Model, request: Request) -> None:
    async with aclosing(model.reply(request)) as deltas:
        async for delta in deltas:
            match delta:
                case Text(text=text):
                    await written.append(Kind.TEXT, {"text": text})
                case ToolCall(name=name, arguments=arguments):
                    await written.append(Kind.TOOL_CALL, {"name": name, "arguments": dict(arguments)})
                case Finish(reason=reason):
                    await written.append(Kind.FINISH, {"reason": reason.value})
                case _:
                    pass  # usage: the gateway has recorded it
