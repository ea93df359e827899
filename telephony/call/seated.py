"""Somebody in a call as its people keep them, and the queue in which a caller waits for somebody."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from agent.person_ear import PersonEar
from media.party import Outlet, Party, Role
from telephony.call.person_acts import Person, Standing
from telephony.queues.news import QueueNews


class Queue(Protocol):
    """What people do is of interest to: the queue in which the caller waits for somebody (telephony/queues)."""

    @property
    def missed(self) -> bool:
        """Nobody has taken the caller."""

    def take(self, news: QueueNews) -> None: ...

    def start(self, tasks: asyncio.TaskGroup) -> None: ...

    def stood(self, standing: Standing) -> None: ...

    def absent(self, person: Person) -> bool: ...

    def caller_gone(self) -> None: ...


@dataclass(slots=True)
class Seated:
    """Somebody in the call. `when_gone` is called when they are not any more, or the call is over."""

    person: Person
    role: Role
    outlet: Outlet | None = None
    party: Party | None = None
    ear: PersonEar | None = None
    listening: asyncio.Task[None] | None = None
    losses: int = 0
    away: bool = False
    came: bool = False  # else they are expected only
    when_gone: dict[str, Callable[[], None]] = field(default_factory=dict)

    def let_go(self) -> None:
        for work in self.when_gone.values():
            work()
        self.when_gone.clear()
