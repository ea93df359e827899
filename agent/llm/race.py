"""The providers of one answer: who is asked, who is faster, who has failed. The answer's words are the gateway's."""

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from agent.llm.attempt import Attempt, Route
from agent.llm.breaker import OF_THE_ACCOUNT
from agent.llm.port import Delta, Failure, Late, ModelUnavailable, Request
from agent.llm.usage import Fate, ModelCall

# A server that restarts, a connection that had been closed: the next moment may be better. A stall has cost its time.
_PASSING: Final = frozenset({Failure.UNAVAILABLE, Failure.CUT, Failure.EMPTY, Failure.GARBAGE})
_HALT_S: Final = 0.3  # between two tokens: an answer that flows is not late, however long its first sentence is
RIVALS_MAX: Final = 2  # asked at the same time; a third would cost more than it could win


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an answer may keep the caller waiting. People find two seconds of nothing dead air."""

    hedge_after_s: float = 0.7  # then a rival starts
    first_token_s: float = 1.6  # then the provider is given up
    next_token_s: float = 1.2  # a stall in the middle
    # Then `Late` is told: time for "one moment". With some 0.8 s for the end of the turn before it, and 0.1 s for the
    # voice, the caller waits less than two seconds.
    late_after_s: float = 0.9
    # Then the answer, or the rest of a broken one, is given up, whoever is still being asked: after "one moment",
    # which takes a second to say, the apology comes before another two of silence.
    give_up_s: float = 3.5
    retry_after_s: float = 0.4  # all have failed in passing: they are asked once more

    def __post_init__(self) -> None:
        if not 0 < self.hedge_after_s <= self.first_token_s <= self.give_up_s:
            raise ValueError("hedge_after_s must be above 0, at most first_token_s, and that at most give_up_s")
        if min(self.next_token_s, self.late_after_s, self.retry_after_s) <= 0:
            raise ValueError("next_token_s, late_after_s and retry_after_s must be above 0")


class Race:
    def __init__(
        self,
        routes: tuple[Route, ...],
        tasks: asyncio.TaskGroup,
        on_call: Callable[[ModelCall], None],
        patience: Patience,
    ) -> None:
        self._waiting = list(routes)  # in the cascade's order
        self._tasks = tasks
        self._on_call = on_call
        self._patience = patience
        self._clock = asyncio.get_running_loop().time
        self._running: list[Attempt] = []
        self._wake = asyncio.Event()
        self._failures: list[str] = []
        self._own_key_fails = True  # so far nothing else went wrong
        self._passing: list[Route] = []  # failed in a way that may be over in a moment
        self._retried = False
        self._retry_s = math.inf
        self._waited_since_s: float | None = None  # for the speaker's next delta
        self._late_s = self._clock() + patience.late_after_s
        self._give_up_s = self._clock() + patience.give_up_s

    def begin_ahead(self, request: Request) -> bool:
        """Ask the first provider before it is known whether the answer will be wanted; False: nobody may be asked."""
        return self._start_next(request, held=True)

    def want(self) -> None:
        """The answer that was asked for ahead is wanted, from now on: patience begins anew."""
        for attempt in self._running:
            if not attempt.over:
                attempt.settle(attempt.fate)
        self._late_s = self._clock() + self._patience.late_after_s
        self._give_up_s = self._clock() + self._patience.give_up_s

    async def winner(self, request: Request) -> Attempt | None:
        """Return the first provider with something to say, the others are left; None once, when it takes long.

        Raises:
            ModelUnavailable: nobody has, and nobody is left to ask.
        """
        while True:
            self._wake.clear()
            self._drop_failed()
            for attempt in self._running:
                if attempt.first_s is not None or attempt.over:
                    self._crown(attempt)
                    return attempt
            now_s = self._clock()
            if now_s >= self._give_up_s:
                for attempt in self._running:
                    attempt.stop(Fate.FAILED, Failure.TIMEOUT)
                    self._note(attempt.route, str(attempt.failure))
                self._running.clear()
                raise self._exhausted()
            if now_s >= self._late_s:
                self._late_s = math.inf
                return None
            if now_s >= self._retry_s:
                self._waiting, self._passing, self._retry_s = self._passing, [], math.inf
            if not self._running and not self._start_next(request) and self._retry_s == math.inf:
                self._come_back_later()
            if self._hedge_s() <= now_s:
                self._start_next(request)
            times_s = (self._hedge_s(), self._retry_s, self._late_s, self._give_up_s)
            await self._wait_until(min(*times_s, *(self._deadline_s(attempt) for attempt in self._running)))

    async def next(self, speaker: Attempt) -> Delta | None:
        """Return the speaker's next delta, None at its end; `Late`, once, when it takes long.

        Raises:
            ModelUnavailable: it failed or stalled, and takes no more part in this answer.
        """
        if self._waited_since_s is None:
            self._waited_since_s = self._clock()
        stalled_s = self._waited_since_s + self._patience.next_token_s
        late_s = max(self._late_s, self._waited_since_s + _HALT_S)
        try:
            while True:
                self._wake.clear()
                delta = speaker.take()
                if delta is not None or speaker.at_end:
                    self._waited_since_s = None
                    return delta
                now_s = self._clock()
                if now_s >= stalled_s:
                    speaker.stop(Fate.SPOKEN, Failure.TIMEOUT)
                elif now_s >= late_s:
                    self._late_s = math.inf
                    return Late()
                await self._wait_until(min(stalled_s, late_s))
        except ModelUnavailable as error:
            self._waited_since_s = None
            self._running.remove(speaker)
            self._note_failure(speaker, error)
            self._give_up_s = self._clock() + self._patience.give_up_s
            raise

    def leave(self, fate: Fate | None = None) -> None:
        """The answer is over, or nobody wants it any more: close what is open."""
        for attempt in self._running:
            attempt.stop(fate or attempt.fate)
        self._running.clear()

    def _drop_failed(self) -> None:
        for attempt in tuple(self._running):
            if attempt.first_s is None and not attempt.over and self._deadline_s(attempt) <= self._clock():
                attempt.stop(Fate.FAILED, Failure.TIMEOUT)
            if attempt.first_s is None and attempt.failure is not None:
                self._running.remove(attempt)
                attempt.settle(Fate.FAILED)
                self._note_failure(attempt, attempt.failure)

    def _note_failure(self, attempt: Attempt, failure: ModelUnavailable) -> None:
        self._note(attempt.route, str(failure), of_the_account=failure.failure in OF_THE_ACCOUNT)
        if failure.failure in _PASSING:
            self._passing.append(attempt.route)

    def _come_back_later(self) -> None:
        """Nobody is left: ask once more whoever failed in passing. Raises ModelUnavailable."""
        if not self._passing or self._retried:
            raise self._exhausted()
        self._retried = True
        self._retry_s = self._clock() + self._patience.retry_after_s

    def _note(self, route: Route, told: str, *, of_the_account: bool = False) -> None:
        self._failures.append(told)
        self._own_key_fails = self._own_key_fails and route.own_key and of_the_account

    def _exhausted(self) -> ModelUnavailable:
        told = "; ".join(self._failures) or "no provider may be asked"
        own_key = bool(self._failures) and self._own_key_fails
        return ModelUnavailable(told, Failure.REFUSED_KEY if own_key else Failure.EXHAUSTED)

    def _crown(self, winner: Attempt) -> None:
        winner.settle(Fate.SPOKEN)
        for loser in self._running:
            if loser is not winner:
                loser.stop(Fate.LOST)
                # It was slower, not worse: it may still be needed if the winner fails.
                self._waiting.insert(0, loser.route)
        self._running = [winner]

    def _start_next(self, request: Request, *, held: bool = False) -> bool:
        """Ask the next provider that may be asked; False when there is none."""
        while (route := self._next_route()) is not None:
            self._waiting.remove(route)
            if not route.breaker.admit(self._clock()):
                told = f"{route.name}: not asked, it failed lately"
                self._note(route, told, of_the_account=route.breaker.account_failed)
                continue
            attempt = Attempt(route, request, self._clock, self._wake, self._on_call, held=held)
            self._running.append(attempt)
            attempt.start(self._tasks)
            return True
        return False

    def _next_route(self) -> Route | None:
        """Return whoever is asked next; one that may not be asked now keeps its place."""
        return next((route for route in self._waiting if route.may_ask()), None)

    def _hedge_s(self) -> float:
        """Return the moment when the next rival starts; never, when there is none or enough run."""
        rival = self._next_route()
        if rival is None or not self._running or len(self._running) >= RIVALS_MAX:
            return math.inf
        # A script is always the faster one: it speaks when nobody else will, not when somebody is late.
        if rival.is_script:
            return math.inf
        return self._running[-1].started_s + self._patience.hedge_after_s

    def _deadline_s(self, attempt: Attempt) -> float:
        return attempt.started_s + self._patience.first_token_s

    async def _wait_until(self, moment_s: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(moment_s):
                await self._wake.wait()
