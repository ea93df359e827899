"""A worker's things without its loops, for tests of jobs."""

import asyncio
from pathlib import Path
from typing import cast

from obstore.store import MemoryStore
from redis.asyncio import Redis

from config.settings import DEVELOPMENT_SECRET
from crm.database import Sessions
from crm.mail.post import FolderPost, Post
from crm.understanding.after_call import NoteDesk
from crm.usage.reconcile import Sources
from crm.webhooks.sending import Sender
from crm.work import Work


def work_of(
    sessions: Sessions, database_url: str, redis: Redis, *, post: Post | None = None, webhooks: Sender | None = None
) -> Work:
    """Return what jobs get; no test here writes notes, so there is no desk for them."""
    return Work(
        sessions=sessions,
        database_url=database_url,
        redis=redis,
        store=MemoryStore(),
        notes=cast(NoteDesk, None),
        post=post or FolderPost(Path("letters"), "salesos@example.com"),
        webhooks=webhooks or Sender(),
        secret_key=DEVELOPMENT_SECRET,
        usage=Sources({}, cast(Path | None, None), 0.05),
    )


class Diary:
    """What jobs of a test did, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.changed = asyncio.Event()

    def write(self, line: str) -> None:
        self.lines.append(line)
        self.changed.set()
