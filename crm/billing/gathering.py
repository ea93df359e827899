"""Which postings are booked together: those that came while the last ones were being booked. Sans-I/O.

An organisation's postings stay in their order and are in one batch at a time: two batches of one wallet would only wait
for each other. Organisations take turns, so a busy one has a batch's places and no more.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

T = TypeVar("T")


class GatheringFull(Exception):
    """More wait than may; nothing was added."""


@dataclass(slots=True)
class _Line(Generic[T]):
    waiting: deque[T] = field(default_factory=deque)
    # Its wallet was busy: booked by itself next, where it may wait without holding up others.
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """Grouped by organisation."""

    items: Sequence[tuple[UUID, T]]

    @property
    def orgs(self) -> list[UUID]:
        return list(dict.fromkeys(org_id for org_id, _ in self.items))


class Gathering(Generic[T]):
    """Refuses what comes when `waiting_max` wait: whoever asks is told so, rather than kept for long."""

    def __init__(self, waiting_max: int, batch_max: int) -> None:
        if waiting_max < 1 or batch_max < 1:
            raise ValueError("waiting_max and batch_max must be at least 1")
        self._waiting_max = waiting_max
        self._batch_max = batch_max
        self._lines: dict[UUID, _Line[T]] = {}
        self._ready: deque[UUID] = deque()  # of those with a line, the ones that are in no batch now
        self._taken: set[UUID] = set()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def is_ready(self) -> bool:
        return bool(self._ready)

    def add(self, org_id: UUID, item: T) -> None:
        """Raises GatheringFull."""
        if self._count >= self._waiting_max:
            raise GatheringFull
        self._count += 1
        line = self._lines.get(org_id)
        if line is None:
            line = self._lines[org_id] = _Line()
            if org_id not in self._taken:
                self._ready.append(org_id)
        line.waiting.append(item)

    def take(self) -> Batch[T]:
        """Return what is to be booked now; its organisations are left out until `done`."""
        items: list[tuple[UUID, T]] = []
        while self._ready and len(items) < self._batch_max:
            org_id = self._ready[0]
            line = self._lines[org_id]
            if line.alone and items:
                break
            self._ready.popleft()
            self._taken.add(org_id)
            while line.waiting and len(items) < self._batch_max:
                items.append((org_id, line.waiting.popleft()))
            if not line.waiting:
                del self._lines[org_id]
            if line.alone:
                line.alone = False
                break
        self._count -= len(items)
        return Batch(items)

    def again(self, org_id: UUID, items: Iterable[T]) -> None:
        """Put back what could not be booked beside others; to be called before `done`."""
        line = self._lines.setdefault(org_id, _Line())
        returned = list(items)
        line.waiting.extendleft(reversed(returned))
        line.alone = True
        self._count += len(returned)

    def done(self, batch: Batch[T]) -> None:
        """Let the batch's organisations have their turn again, behind the others."""
        for org_id in batch.orgs:
            self._taken.discard(org_id)
            if org_id in self._lines:
                self._ready.append(org_id)

    def drop_all(self) -> list[T]:
        """Return all that waits, and forget it."""
        left = [item for line in self._lines.values() for item in line.waiting]
        self._lines.clear()
        self._ready.clear()
        self._count = 0
        return left
