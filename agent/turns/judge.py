"""The voice process's side of the smart-turn worker: who has paused, has he finished?

One child for all calls. A question never waits: when the child is away or would take too long to begin, the answer is
None at once, and the rules decide alone. An answer that comes late is None too, by then.
"""

import asyncio
import itertools
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol, Self

import structlog

from agent import worker_frames
from agent.kept_child import START_TIMEOUT_S, KeptChild
from agent.turns import judge_wire as wire
from agent.turns.queue_time import QueueTime
from agent.turns.smart_turn import HEARD_BYTES

log = structlog.get_logger()

ANSWER_TIMEOUT_S: Final = 0.4  # by then a pause has told by itself
STALLED_S: Final = 30.0  # it runs where a core has nothing else to do, and on a full one that is seldom
_COMMAND: Final = (sys.executable, "-m", "agent.turns.worker")

OnJudged = Callable[[float | None], None]
"""Gets the probability (0 to 1) that the turn is over; None when nobody can tell in time."""


class EndJudge(Protocol):
    """Who tells from the sound of a turn whether it is over."""

    def ask(self, pcm: bytes, answer: OnJudged) -> None:
        """Judge a turn up to now; `answer` is called once, on the loop, perhaps within this call. Never waits.

        pcm: int16 samples, 8 kHz, mono.
        """


class SmartTurnProcess:
    """Asks the child; everything runs on the loop."""

    def __init__(self, command: tuple[str, ...] = _COMMAND) -> None:
        self._child = KeptChild("smart_turn", command, self._take, self._lost)
        self._ids = itertools.count(1)
        self._queue = QueueTime()
        self._waiting: dict[int, tuple[OnJudged, asyncio.TimerHandle]] = {}
        self._silent_since_s = 0.0  # when it last said something, or had nothing to do
        self._under_way = 0  # questions that the child has not answered, late ones too
        # Read by metrics:
        self.judged = 0
        self.refused = 0  # the child was away, or busy
        self.late = 0

    @classmethod
    @asynccontextmanager
    async def start(cls, command: tuple[str, ...] = _COMMAND) -> AsyncGenerator[Self]:
        """Hold the child. One that does not start is logged, and tried again: calls can do without."""
        process = cls(command)
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(process._child.run(), name="smart_turn.keeper")
            try:
                async with asyncio.timeout(START_TIMEOUT_S):
                    await process._child.settled.wait()
            except TimeoutError:
                pass
            if not process.alive:
                log.error("smart_turn.does_not_start", stand_in="rules")
            yield process
            keeper.cancel()

    @property
    def alive(self) -> bool:
        return self._child.alive

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def restarts(self) -> int:
        return self._child.restarts

    def ask(self, pcm: bytes, answer: OnJudged) -> None:
        """As EndJudge says."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        if self._under_way and now_s - self._silent_since_s > STALLED_S:
            self._child.kill("stalled")
        request = next(self._ids)
        asked = worker_frames.encode(wire.Ask(request, pcm[-HEARD_BYTES:]))
        if not self._queue.may_ask(now_s) or not self._child.send(asked):
            self.refused += 1
            answer(None)
            return
        if not self._under_way:
            self._silent_since_s = now_s
        self._under_way += 1
        self._queue.asked(now_s)
        self._waiting[request] = (answer, loop.call_later(ANSWER_TIMEOUT_S, self._too_late, request))

    def _too_late(self, request: int) -> None:
        self.late += 1
        self._waiting.pop(request)[0](None)

    def _take(self, body: bytes) -> None:
        """Raises Unreadable."""
        now_s = asyncio.get_running_loop().time()
        self._silent_since_s = now_s
        match wire.decode_report(body):
            case wire.Ready(run_ms=run_ms):
                self._queue.ran(run_ms / 1_000)
            case wire.Judged(request=request, probability=probability, run_ms=run_ms):
                self._under_way -= 1
                self._queue.answered(now_s, run_ms / 1_000)
                answer, timer = self._waiting.pop(request, (None, None))
                if answer is not None and timer is not None:
                    timer.cancel()
                    self.judged += 1
                    answer(probability)

    def _lost(self) -> None:
        self._under_way = 0
        self._queue.lost()
        waiting, self._waiting = self._waiting, {}
        for answer, timer in waiting.values():
            timer.cancel()
            answer(None)
