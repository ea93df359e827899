"""The calls of this process: who is live, and whether another one may come."""

import asyncio
from uuid import UUID

from telephony.call.session import CallSession


class Calls:
    """Runs each call as a task of the process's group; a call that dies leaves the others alone."""

    def __init__(self, tasks: asyncio.TaskGroup, capacity: int) -> None:
        self._tasks = tasks
        self._live: dict[UUID, CallSession] = {}
        self._empty = asyncio.Event()
        self._empty.set()
        self.capacity = capacity
        self.draining = False

    def __len__(self) -> int:
        return len(self._live)

    @property
    def full(self) -> bool:
        return len(self._live) >= self.capacity

    def live(self) -> list[CallSession]:
        return list(self._live.values())

    def get(self, call_id: UUID) -> CallSession | None:
        return self._live.get(call_id)

    def start(self, session: CallSession) -> None:
        self._live[session.call_id] = session
        self._empty.clear()
        self._tasks.create_task(self._run(session), name=f"call.{session.call_id}")

    async def wait_empty(self, timeout_s: float) -> bool:
        """Wait until no call is live; False when time ran out."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            return False
        return True

    async def _run(self, session: CallSession) -> None:
        try:
            await session.run()
        finally:
            del self._live[session.call_id]
            if not self._live:
                self._empty.set()
