"""Who waits for which report of the speech worker; part of `agent.speech_process`, without its process or pipe."""

import asyncio
from collections import deque
from typing import TypeVar

from agent import speech_wire as wire
from agent.stt.port import OnPartial, TranscriptionUnavailable
from agent.tts.port import SpeechUnavailable

T = TypeVar("T")


class Pieces:
    """The pieces of one text between the child and who speaks them; bounded by the longest text."""

    def __init__(self) -> None:
        self._pieces: deque[wire.SpokenPiece | SpeechUnavailable] = deque()
        self._filled = asyncio.Event()

    def put(self, piece: wire.SpokenPiece | SpeechUnavailable) -> None:
        self._pieces.append(piece)
        self._filled.set()

    async def get(self) -> wire.SpokenPiece:
        while not self._pieces:
            self._filled.clear()
            await self._filled.wait()
        piece = self._pieces.popleft()
        if isinstance(piece, SpeechUnavailable):
            raise piece
        return piece


class Waiting:
    """Who waits for what of the child."""

    def __init__(self) -> None:
        self.pieces: dict[int, Pieces] = {}
        self.models: dict[str, asyncio.Future[wire.Prepared]] = {}
        self.heard: dict[int, asyncio.Future[wire.Heard]] = {}
        self.partials: dict[int, OnPartial] = {}

    def take(self, report: wire.Report) -> None:
        """Hand a report to who waits for it; one that came too late is nobody's."""
        match report:
            case wire.SpokenPiece():
                if (pieces := self.pieces.get(report.request)) is not None:
                    pieces.put(report)
            case wire.SpeakFailed():
                if (pieces := self.pieces.get(report.request)) is not None:
                    pieces.put(SpeechUnavailable(report.reason))
            case wire.Prepared():
                _settle(self.models.pop(report.model, None), report)
            case wire.PrepareFailed():
                _settle(self.models.pop(report.model, None), TranscriptionUnavailable(report.reason))
            case wire.Partial():
                if (on_partial := self.partials.get(report.utterance)) is not None:
                    on_partial(report.text)
            case wire.Heard():
                _settle(self.heard.get(report.utterance), report)
            case wire.HearingFailed():
                self.partials.pop(report.utterance, None)
                _settle(self.heard.pop(report.utterance, None), TranscriptionUnavailable(report.reason))
            case wire.Ready():
                pass

    def fail(self) -> None:
        """Tell everyone that the child is gone."""
        for pieces in self.pieces.values():
            pieces.put(SpeechUnavailable("the speech worker went away"))
        away = TranscriptionUnavailable("the speech worker went away")
        for model in self.models.values():
            _settle(model, away)
        for heard in self.heard.values():
            _settle(heard, away)
        self.models.clear()
        self.heard.clear()
        self.partials.clear()


def _settle(answer: asyncio.Future[T] | None, outcome: T | Exception) -> None:
    if answer is None or answer.done():
        return
    if isinstance(outcome, Exception):
        answer.set_exception(outcome)
        answer.exception()  # nobody may be waiting any more; that is no fault
    else:
        answer.set_result(outcome)
