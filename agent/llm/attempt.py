"""One request to one provider, read by a task of its own, so that several can race for the same answer."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from agent.llm.breaker import Breaker, always
from agent.llm.port import Delta, Failure, Model, ModelUnavailable, Request, Text, Usage
from agent.llm.usage import Fate, ModelCall, Price, estimate

DELTAS_MAX: Final = 64  # read ahead of whoever speaks; when full, the vendor waits

# Refused before any token was read.
_NOTHING_USED: Final = frozenset(
    {Failure.REFUSED_KEY, Failure.RATE_LIMITED, Failure.REFUSED_REQUEST, Failure.UNAVAILABLE, Failure.SWITCHED_OFF}
)


@dataclass(frozen=True, slots=True)
class Route:
    """A provider in the cascade."""

    name: str  # as the plan gives it, "openai:gpt-4o"; no secret in it
    model: Model
    breaker: Breaker  # shared by all calls that use the same account
    price: Price | None = None
    rank: int = 0  # its place there
    is_script: bool = False  # no language model: the operator's switch does not stop it
    own_key: bool = False  # the organisation's account pays
    may_ask: Callable[[], bool] = always  # a key of the operator's may depend on the organisation's own


class Attempt:
    """`wake` is set whenever something changes here. What it took is told to `on_over` once, whatever happens.

    `held`: what becomes of it is decided later, perhaps when it is over: it is told when that is known.
    """

    def __init__(
        self,
        route: Route,
        request: Request,
        clock: Callable[[], float],
        wake: asyncio.Event,
        on_over: Callable[[ModelCall], None],
        *,
        held: bool = False,
    ) -> None:
        self.route = route
        self.started_s = clock()
        self.first_s: float | None = None  # when the first text that is not blank, or a tool call, came
        self.fate = Fate.ABANDONED  # until it is known better
        self.failure: ModelUnavailable | None = None
        self.over = False
        self._request = request
        self._clock = clock
        self._wake = wake
        self._on_over = on_over
        self._task: asyncio.Task[None] | None = None
        self._deltas: deque[Delta] = deque()
        self._room = asyncio.Event()
        self._usage: Usage | None = None
        self._completion_chars = 0
        self._fault_of_ours: Exception | None = None
        self._held = held
        self._record: ModelCall | None = None  # of a held one that is over

    def start(self, tasks: asyncio.TaskGroup) -> None:
        self._task = tasks.create_task(self._read(), name=f"llm.{self.route.name}")
        self._task.add_done_callback(self._report)

    def take(self) -> Delta | None:
        """Return the next delta that has arrived, or None.

        Raises:
            ModelUnavailable: it failed, and all that came before was taken.
        """
        if self._deltas:
            self._room.set()
            return self._deltas.popleft()
        if self._fault_of_ours is not None:
            raise self._fault_of_ours
        if self.failure is not None:
            raise self.failure
        return None

    @property
    def at_end(self) -> bool:
        """It ended well, and all of it was taken."""
        return self.over and not self._deltas and self.failure is None and self._fault_of_ours is None

    def stop(self, fate: Fate, failure: Failure | None = None) -> None:
        """Leave it; the vendor's socket closes. `failure` when it is left for being too slow."""
        if self.over:
            self.settle(fate)
        else:
            self._held = False
            self.fate = fate
            if failure is not None:
                self.failure = ModelUnavailable(f"{self.route.name}: too slow", failure)
            assert self._task is not None
            self._task.cancel()

    def settle(self, fate: Fate) -> None:
        """Say what becomes of it: of one that was held and is over, this tells the record."""
        if not self.over or self._record is not None:
            self.fate = fate
        self._held = False
        if self._record is not None:
            record, self._record = self._record, None
            self._on_over(replace(record, fate=fate))

    async def _read(self) -> None:
        try:
            async with aclosing(self.route.model.reply(self._request)) as deltas:
                async for delta in deltas:
                    await self._put(delta)
        except ModelUnavailable as error:
            self.failure = error
        # A fault of ours: it is raised where the answer is read, so that it ends that call alone.
        except Exception as error:  # noqa: BLE001
            self._fault_of_ours = error

    async def _put(self, delta: Delta) -> None:
        if isinstance(delta, Usage):
            self._usage = delta
            return
        if isinstance(delta, Text):
            self._completion_chars += len(delta.text)
        if self.first_s is None and not (isinstance(delta, Text) and not delta.text.strip()):
            self.first_s = self._clock()
        while len(self._deltas) >= DELTAS_MAX:
            self._room.clear()
            await self._room.wait()
        self._deltas.append(delta)
        self._wake.set()

    def _report(self, _task: asyncio.Task[None]) -> None:
        # Before whoever reads wakes up: when an answer is over, its record has been told.
        self.over = True
        self._wake.set()
        now_s = self._clock()
        failure = self.failure.failure if self.failure is not None else None
        if self.failure is not None:
            if self.fate is Fate.ABANDONED:
                self.fate = Fate.FAILED
            self.route.breaker.failed(self.failure.failure, now_s, self.failure.retry_after_s)
        elif self.first_s is None:
            self.route.breaker.abandoned()
        else:
            # At the end only: a provider that stalls in every answer gives a first token each time.
            self.route.breaker.succeeded()
        usage = self._usage or estimate(self._request, self._completion_chars)
        refused = failure in _NOTHING_USED and self.first_s is None
        if refused and self._usage is None:
            usage = Usage(0, 0)
        record = ModelCall(
            provider=self.route.name,
            fate=self.fate,
            failure=failure,
            usage=usage,
            estimated=self._usage is None and not refused,
            cost=self.route.price.cost(usage) if self.route.price is not None else None,
            first_token_ms=_ms(self.first_s - self.started_s) if self.first_s is not None else None,
            total_ms=_ms(now_s - self.started_s),
            rank=self.route.rank,
            own_key=self.route.own_key,
        )
        if self._held:
            self._record = record
        else:
            self._on_over(record)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
