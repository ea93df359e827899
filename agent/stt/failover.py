"""One call's recognisers, one at a time: when one fails, the next gets the utterance from its beginning (P3).

The call stays with the one that took over. Which may be asked is told by circuit breakers, which all calls share.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import structlog

from agent.llm.breaker import Breaker
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
from media.codec import g711
from media.frame import FRAME_MS

log = structlog.get_logger()

OPEN_TIMEOUT_S: Final = 1.5  # in mid-call; before the dial the recogniser's own limits hold
_PREROLL_FRAMES: Final = PREROLL_MS // FRAME_MS
UTTERANCE_FRAMES_MAX: Final = 60_000 // FRAME_MS  # as much as is kept to be fed again; of more the beginning is lost


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    factory: RecognizerFactory
    breaker: Breaker  # shared by all calls with this account


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

    async def finish(self) -> Transcript:
        """Raises TranscriptionUnavailable: all of them failed."""
        try:
            return await self._finish()
        finally:
            self._in_utterance = False
            self._kept = deque(self._kept if self.feeding.continuous else (), _PREROLL_FRAMES)

    async def aclose(self) -> None:
        self._routes[self._at].breaker.abandoned()
        await self._recognizer.aclose()

    async def _finish(self) -> Transcript:
        tried = {self._at}
        while True:
            try:
                heard = await self._recognizer.finish()
            except TranscriptionUnavailable as error:
                self._routes[self._at].breaker.failed(error.failure, self._now_s())
                if not await self._switch(tried, error):
                    raise
            else:
                self._routes[self._at].breaker.succeeded()
                return heard

    async def _switch(self, tried: set[int], why: TranscriptionUnavailable) -> bool:
        """Go to the next that can be had and feed it the utterance; False when there is none."""
        for step in range(1, len(self._routes)):
            at = (self._at + step) % len(self._routes)
            if at in tried or not self._admits(at):
                continue
            tried.add(at)
            left, form = self._recognizer, self.feeding
            try:
                async with asyncio.timeout(OPEN_TIMEOUT_S):
                    taken = await self._open_route(at)
            except (TranscriptionUnavailable, TimeoutError):
                continue
            log.warning("stt.failover", left=self._routes[self._at].name, to=self._routes[at].name, why=why.failure)
            self.switches += 1
            self._at, self._recognizer = at, taken
            await left.aclose()
            self._feed_again(form)
            return True
        return False

    def _feed_again(self, form: Feeding) -> None:
        wants = self._recognizer.feeding
        frames = [_converted(frame, form, wants) for frame in self._kept]
        self._kept = deque(frames, UTTERANCE_FRAMES_MAX)
        # One that is fed continuously expects `begin` PREROLL_MS behind the utterance's first sample.
        before = min(_PREROLL_FRAMES, len(frames)) if wants.continuous else 0
        for frame in frames[:before]:
            self._recognizer.feed(frame)
        self._recognizer.begin()
        for frame in frames[before:]:
            self._recognizer.feed(frame)

    def _admits(self, at: int) -> bool:
        return self._routes[at].breaker.admit(self._now_s())

    async def _open_route(self, at: int) -> Recognizer:
        route = self._routes[at]
        try:
            recognizer = await route.factory.open(
                self._phrases, lambda text: self._partial(at, text), lambda sign: self._turn(at, sign)
            )
        except TranscriptionUnavailable as error:
            route.breaker.failed(error.failure, self._now_s())
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
