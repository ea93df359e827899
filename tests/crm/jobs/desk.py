"""A worker's things without its loops, for tests of jobs."""

import asyncio
from pathlib import Path
from typing import cast

from obstore.store import MemoryStore
from redis.asyncio import Redis

from crm.database import Sessions
from crm.understanding.after_call import NoteDesk
from crm.usage.reconcile import Sources
from crm.work import Work


def work_of(sessions: Sessions, database_url: str, redis: Redis, *, dead_letters_max: int = 100) -> Work:
    """Return what jobs get; no test here writes notes, so there is no desk for them."""
    return Work(
        sessions=sessions,
        database_url=database_url,
        redis=redis,
        store=MemoryStore(),
        notes=cast(NoteDesk, None),
        usage=Sources({}, cast(Path | None, None), 0.05),
        dead_letters_max=dead_letters_max,
    )


class Diary:
    """What jobs of a test did, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.changed = asyncio.Event()

    def write(self, line: str) -> None:
        self.lines.append(line)
        self.changed.set()
