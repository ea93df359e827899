"""One call's voices, one at a time: when one fails, the next goes on from the word that was not said (P3).

Which words those are is for who puts them into the room (agent/speaking.py); here is which voice speaks next. A call
keeps the voice that took over: one that changes to and fro is worse than the second best.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import structlog

from agent.llm.breaker import Breaker, always, unheard
from agent.llm.port import Failure
from agent.tts.port import Speech, SpeechUnavailable, Voice

log = structlog.get_logger()

# Vendors' first audio comes within 0.3 s and faster than it is played from then on; a caller waits for both.
FIRST_TIMEOUT_S: Final = 0.8
NEXT_TIMEOUT_S: Final = 1.0


async def _nothing() -> None:
    """For voices that hold nothing."""


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    voice: Voice
    breaker: Breaker  # shared by all calls with this account
    close: Callable[[], Awaitable[None]] = _nothing
    may_ask: Callable[[], bool] = always  # a key of the operator's may depend on the organisation's own
    on_failed: Callable[[Failure], None] = unheard


class CallVoices:
    """Implements `agent.tts.port.Voice` over the voices of one call."""

    def __init__(self, routes: Sequence[Route], now_s: Callable[[], float]) -> None:
        self._routes = tuple(routes)
        self._now_s = now_s
        self._at = 0
        self.switches = 0  # read by metrics

    async def speak(self, text: str) -> AsyncGenerator[Speech, None]:
        """Raises SpeechUnavailable; `elsewhere` says whether asking again reaches another voice."""
        at = self._at
        alone = len(self._routes) == 1
        if not alone and not self._routes[at].breaker.admit(self._now_s()):
            # Another call found out. Nothing was said yet: change without a word.
            self._move_on(at, Failure.UNAVAILABLE)
            at = self._at
        route = self._routes[at]
        try:
            async with aclosing(route.voice.speak(text)) as pieces:
                timeout_s: float | None = None if alone else FIRST_TIMEOUT_S
                while True:
                    try:
                        async with asyncio.timeout(timeout_s):
                            piece = await anext(pieces)
                    except StopAsyncIteration:
                        break
                    yield piece
                    timeout_s = None if alone else NEXT_TIMEOUT_S
        except (SpeechUnavailable, TimeoutError) as error:
            failure = error.failure if isinstance(error, SpeechUnavailable) else Failure.TIMEOUT
            route.breaker.failed(failure, self._now_s())
            route.on_failed(failure)
            raise SpeechUnavailable(str(error), failure, elsewhere=self._move_on(at, failure)) from None
        except BaseException:
            route.breaker.abandoned()
            raise
        route.breaker.succeeded()

    async def aclose(self) -> None:
        for route in self._routes:
            await route.close()

    def _move_on(self, failed: int, why: Failure) -> bool:
        """Change to the next voice that may be asked; False when there is none."""
        if self._at != failed:
            return True  # a phrase that was said meanwhile has found out too
        for step in range(1, len(self._routes)):
            at = (self._at + step) % len(self._routes)
            if self._routes[at].may_ask() and self._routes[at].breaker.admit(self._now_s()):
                log.warning("tts.failover", left=self._routes[self._at].name, to=self._routes[at].name, why=why)
                self._at = at
                self.switches += 1
                return True
        return False
