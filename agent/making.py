"""The one answer that is being made at a time."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Making:
    """Holds the task that makes an answer, in the conversation's group; there is none before the first."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    @property
    def done(self) -> bool:
        """True while nothing is being made."""
        return self._task is None or self._task.done()

    def start(self, tasks: asyncio.TaskGroup, work: Coroutine[Any, Any, None]) -> None:
        """Make an answer; what was being made before must have been abandoned."""
        self._task = tasks.create_task(work, name="conversation.reply")

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def abandon(self) -> None:
        """Cancel what is being made, and return when it has let go."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        self._task = None
