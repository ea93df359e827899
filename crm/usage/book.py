"""Counts what language models take: those of calls with their events, those of the CRM's own processes in memory.

What a process has not written when it is killed is lost: some seconds of chats. Calls lose nothing.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from typing import Final, Self

import structlog
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from agent.llm.registry import SCRIPTED, log_call
from agent.llm.usage import ModelCall
from crm.background import beside
from crm.database import Sessions, utc_now
from crm.unit_of_work import UnitOfWork
from crm.usage.model import UsageDay

FLUSH_EVERY_S: Final = 10.0
OWN_SHARD: Final = -1  # of the CRM's processes; those of calls are the numbers of their streams
KEPT_MAX: Final = 1_000  # models times days that wait for Postgres; of more the newest are lost, and told

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counts:
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    estimated_tokens: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.estimated_tokens + other.estimated_tokens,
        )


def counts_of(prompt_tokens: int, completion_tokens: int, *, estimated: bool) -> Counts:
    """Return those of one request."""
    return Counts(1, prompt_tokens, completion_tokens, prompt_tokens + completion_tokens if estimated else 0)


async def add(unit: UnitOfWork, day: date, model: str, counts: Counts, *, own_key: bool, shard: int) -> None:
    """Add to a day's sums, in the caller's transaction. The script is no model, and costs nothing."""
    if model == SCRIPTED:
        return
    statement = insert(UsageDay).values(
        day=day,
        model=model,
        own_key=own_key,
        shard=shard,
        requests=counts.requests,
        prompt_tokens=counts.prompt_tokens,
        completion_tokens=counts.completion_tokens,
        estimated_tokens=counts.estimated_tokens,
    )
    new = statement.excluded
    await unit.session.execute(
        statement.on_conflict_do_update(
            index_elements=["day", "model", "own_key", "shard"],
            set_={
                "requests": UsageDay.requests + new.requests,
                "prompt_tokens": UsageDay.prompt_tokens + new.prompt_tokens,
                "completion_tokens": UsageDay.completion_tokens + new.completion_tokens,
                "estimated_tokens": UsageDay.estimated_tokens + new.estimated_tokens,
            },
        )
    )


class UsageBook:
    """`async with UsageBook.running(sessions) as book`: what a process's models took, written every few seconds."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._waiting: dict[tuple[date, str, bool], Counts] = {}

    @classmethod
    @asynccontextmanager
    async def running(cls, sessions: Sessions) -> AsyncGenerator[Self]:
        book = cls(sessions)
        async with beside(book._write(), "usage.write"):
            yield book
        await book.flush()

    def note(self, call: ModelCall) -> None:
        """Count one request."""
        key = (utc_now().date(), call.provider, call.own_key)
        if key not in self._waiting and len(self._waiting) >= KEPT_MAX:
            log.error("usage.lost", provider=call.provider)
            return
        usage = call.usage
        one = counts_of(usage.prompt_tokens, usage.completion_tokens, estimated=call.estimated)
        self._waiting[key] = self._waiting.get(key, Counts()) + one

    def note_and_log(self, call: ModelCall) -> None:
        self.note(call)
        log_call(call)

    async def flush(self) -> None:
        """Write what waits; with Postgres away it goes on waiting."""
        taken, self._waiting = self._waiting, {}
        if not taken:
            return
        try:
            async with UnitOfWork(self._sessions) as unit:
                # In one order in all processes, so that none waits for another in a circle.
                for (day, model, own_key), counts in sorted(taken.items()):
                    await add(unit, day, model, counts, own_key=own_key, shard=OWN_SHARD)
                await unit.commit()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            log.warning("usage.not_written", error=type(error).__name__)
            for key, counts in taken.items():
                self._waiting[key] = self._waiting.get(key, Counts()) + counts

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            await self.flush()
