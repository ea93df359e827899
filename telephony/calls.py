"""The calls of this process: who is live, and whether another one may come."""

import asyncio
import contextlib
from collections.abc import Callable, Generator
from uuid import UUID

from telephony.call.session import CallSession
from telephony.interpreter import Sweeper


class Calls:
    """Runs each call as a task of the process's group; a call that dies leaves the others alone."""

    def __init__(
        self, tasks: asyncio.TaskGroup, capacity: int, on_over: Callable[[CallSession], None] = lambda session: None
    ) -> None:
        """`on_over` gets each call when it is over and counts no longer among the live ones."""
        self._tasks = tasks
        self._on_over = on_over
        self._live: dict[UUID, CallSession] = {}
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._promised = 0  # places held for calls that are being prepared
        self._sweeper = Sweeper()
        self._empty = asyncio.Event()
        self._empty.set()
        self.capacity = capacity
        self.draining = False
        self._shed_taps = False

    def __len__(self) -> int:
        """All calls that were let in and are not over: those being prepared, the ringing and the live ones."""
        return len(self._live) + self._promised

    @property
    def full(self) -> bool:
        return len(self) >= self.capacity

    @property
    def with_audio(self) -> int:
        return sum(session.line_opened_at is not None for session in self._live.values())

    @property
    def underruns(self) -> int:
        """Of the live calls."""
        return sum(session.room.underruns for session in self._live.values())

    def shed_taps(self, shed: bool) -> None:
        """Let live listeners of all calls, and of those to come, hear nothing for now; or end that."""
        self._shed_taps = shed
        for session in self._live.values():
            session.room.shed_taps(shed)

    def unmeasured(self, since: float) -> int:
        """Return how many calls no measurement that began at `since` (the loop's time) tells of wholly."""
        measured = sum(
            session.line_opened_at is not None and session.line_opened_at <= since for session in self._live.values()
        )
        return len(self) - measured

    @contextlib.contextmanager
    def place(self) -> Generator[None]:
        """Hold a place for a call until `start`, or until it is given up."""
        self._promised += 1
        self._empty.clear()
        try:
            yield
        finally:
            self._promised -= 1
            self._note_empty()

    def live(self) -> list[CallSession]:
        return list(self._live.values())

    def get(self, call_id: UUID) -> CallSession | None:
        return self._live.get(call_id)

    def start(self, session: CallSession) -> None:
        self._live[session.call_id] = session
        session.room.shed_taps(self._shed_taps)
        self._empty.clear()
        self._running[session.call_id] = self._tasks.create_task(self._run(session), name=f"call.{session.call_id}")

    def abandon(self) -> int:
        """Leave the calls that do not end to what is on disk; returns how many they are."""
        for task in self._running.values():
            task.cancel()
        return len(self._running)

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
            del self._live[session.call_id], self._running[session.call_id]
            self._on_over(session)
            self._sweeper.call_over()
            self._note_empty()

    def _note_empty(self) -> None:
        if not len(self):
            self._empty.set()
