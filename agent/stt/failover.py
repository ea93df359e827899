"""One call's recognisers: when one fails or is late, the next gets the utterance from its beginning (P3).

The call stays with the one that took over. Which may be asked is told by circuit breakers, which all calls share.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog

from agent.llm.breaker import Breaker, always, unheard
from agent.llm.port import Failure
from agent.stt.port import (
    PREROLL_MS,
    Feeding,
    OnPartial,
    OnTurn,
    Recognizer,
    RecognizerFactory,
    Transcript,
    TranscriptionUnavailable,
    TurnSign,
    no_turns,
)
from agent.stt.rivals import Answer, first_with_words
from media.codec import g711
from media.frame import FRAME_MS

log = structlog.get_logger()

OPEN_TIMEOUT_S: Final = 1.5  # in mid-call; before the dial the recogniser's own limits hold
# Without words for so long behind the end of an utterance, and the next one is asked too. One that works has answered:
# Deepgram's within 0.4 s, even when nothing is left to tell.
HEDGE_AFTER_S: Final = 0.45
_PREROLL_FRAMES: Final = PREROLL_MS // FRAME_MS
UTTERANCE_FRAMES_MAX: Final = 60_000 // FRAME_MS  # as much as is kept to be fed again; of more the beginning is lost


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    factory: RecognizerFactory
    breaker: Breaker  # shared by all calls with this account
    hedge_after_s: float = HEDGE_AFTER_S
    may_ask: Callable[[], bool] = always  # a key of the operator's may depend on the organisation's own
    on_failed: Callable[[Failure], None] = unheard

    def failed(self, failure: Failure, now_s: float) -> None:
        self.breaker.failed(failure, now_s)
        self.on_failed(failure)


class FailoverRecognizers:
    """Implements `agent.stt.port.RecognizerFactory` over several."""

    def __init__(self, routes: Sequence[Route], now_s: Callable[[], float]) -> None:
        self._routes = tuple(routes)
        self._now_s = now_s

    async def open(
        self, phrases: tuple[str, ...], on_partial: OnPartial, on_turn: OnTurn = no_turns
    ) -> "FailoverRecognizer":
        """Raises TranscriptionUnavailable: none of them can be had."""
        recognizer = FailoverRecognizer(self._routes, phrases, on_partial, on_turn, self._now_s)
        await recognizer.open()
        return recognizer


class FailoverRecognizer:
    """Implements `agent.stt.port.Recognizer`. Made by `FailoverRecognizers`."""

    def __init__(
        self,
        routes: Sequence[Route],
        phrases: tuple[str, ...],
        on_partial: OnPartial,
        on_turn: OnTurn,
        now_s: Callable[[], float],
    ) -> None:
        self._routes = routes
        self._phrases = phrases
        self._on_partial = on_partial
        self._on_turn = on_turn
        self._now_s = now_s
        self._at = 0  # the route in use
        self._recognizer: Recognizer
        self._rivals: dict[int, Recognizer] = {}  # that hear the same utterance, while it is waited for
        self._failed: set[int] = set()  # with that utterance
        self._kept: deque[bytes] = deque(maxlen=_PREROLL_FRAMES)  # of the utterance, as it was fed
        self._in_utterance = False
        self.switches = 0  # read by metrics

    async def open(self) -> None:
        """Open the first that can be had. Raises TranscriptionUnavailable."""
        failed: TranscriptionUnavailable | None = None
        for at in range(len(self._routes)):
            if self._admits(at):
                try:
                    self._recognizer = await self._open_route(at)
                except TranscriptionUnavailable as error:
                    failed = error
                else:
                    self._at = at
                    return
        raise failed or TranscriptionUnavailable("every recogniser is resting after failures")

    @property
    def feeding(self) -> Feeding:
        return self._recognizer.feeding

    def begin(self) -> None:
        before = tuple(self._kept) if self.feeding.continuous and not self._in_utterance else ()
        self._kept = deque(before, UTTERANCE_FRAMES_MAX)
        self._in_utterance = True
        self._recognizer.begin()

    def feed(self, audio: bytes) -> None:
        self._kept.append(audio)
        self._recognizer.feed(audio)
        for rival in self._rivals.values():
            if rival.feeding.continuous:
                rival.feed(_converted(audio, self.feeding, rival.feeding))

    async def finish(self) -> Transcript:
        """Raises TranscriptionUnavailable: all of them failed."""
        in_use = self._at
        self._failed.clear()
        try:
            winner, heard = await first_with_words(
                in_use, self._others(), self._ask, lambda at: self._routes[at].hedge_after_s
            )
            if winner != in_use:
                if in_use not in self._failed:
                    # It had so much longer for the same words: as good as none.
                    self._count(in_use, Failure.TIMEOUT)
                await self._change_to(winner)
            self._routes[winner].breaker.succeeded()
            return heard
        finally:
            await self._let_go_of_rivals()
            self._in_utterance = False
            self._kept = deque(self._kept if self.feeding.continuous else (), _PREROLL_FRAMES)

    async def aclose(self) -> None:
        self._routes[self._at].breaker.abandoned()
        await self._recognizer.aclose()

    def _others(self) -> Iterator[int]:
        """Yield the routes that may be asked beside the one in use, each when its turn comes."""
        in_use = self._at
        for step in range(1, len(self._routes)):
            at = (in_use + step) % len(self._routes)
            if self._admits(at):
                yield at

    async def _ask(self, at: int) -> Answer:
        """Have a route understand the utterance, which the one in use has heard already."""
        try:
            if at == self._at:
                return await self._recognizer.finish()
            async with asyncio.timeout(OPEN_TIMEOUT_S):
                rival = self._rivals[at] = await self._open_route(at)
            self._feed_again(rival)
            return await rival.finish()
        except TranscriptionUnavailable as error:
            if at == self._at or at in self._rivals:  # else its opening failed, which has been counted
                self._count(at, error.failure)
            return error
        except TimeoutError:
            self._count(at, Failure.TIMEOUT)
            return TranscriptionUnavailable("no connection in time", Failure.TIMEOUT)
        except asyncio.CancelledError:
            if at != self._at:
                self._routes[at].breaker.abandoned()
            raise

    def _count(self, at: int, failure: Failure) -> None:
        self._failed.add(at)
        self._routes[at].failed(failure, self._now_s())

    async def _change_to(self, at: int) -> None:
        left, form = self._recognizer, self.feeding
        log.warning("stt.failover", left=self._routes[self._at].name, to=self._routes[at].name)
        self._at, self._recognizer = at, self._rivals.pop(at)
        self._kept = deque((_converted(frame, form, self.feeding) for frame in self._kept), UTTERANCE_FRAMES_MAX)
        self.switches += 1
        await left.aclose()

    async def _let_go_of_rivals(self) -> None:
        while self._rivals:
            at, rival = self._rivals.popitem()
            self._routes[at].breaker.abandoned()
            await rival.aclose()

    def _feed_again(self, rival: Recognizer) -> None:
        form, wants = self.feeding, rival.feeding
        frames = [_converted(frame, form, wants) for frame in self._kept]
        # One that is fed continuously expects `begin` PREROLL_MS behind the utterance's first sample.
        before = min(_PREROLL_FRAMES, len(frames)) if wants.continuous else 0
        for frame in frames[:before]:
            rival.feed(frame)
        rival.begin()
        for frame in frames[before:]:
            rival.feed(frame)

    def _admits(self, at: int) -> bool:
        return self._routes[at].may_ask() and self._routes[at].breaker.admit(self._now_s())

    async def _open_route(self, at: int) -> Recognizer:
        route = self._routes[at]
        try:
            recognizer = await route.factory.open(
                self._phrases, lambda text: self._partial(at, text), lambda sign: self._turn(at, sign)
            )
        except TranscriptionUnavailable as error:
            route.failed(error.failure, self._now_s())
            raise
        return recognizer

    def _partial(self, at: int, text: str) -> None:
        if at == self._at:  # one that was left may still talk
            self._on_partial(text)

    def _turn(self, at: int, sign: TurnSign) -> None:
        if at == self._at:
            self._on_turn(sign)


def _converted(audio: bytes, form: Feeding, wants: Feeding) -> bytes:
    if form.ulaw == wants.ulaw:
        return audio
    return g711.decode_frame(audio) if form.ulaw else g711.encode(np.frombuffer(audio, np.int16))
