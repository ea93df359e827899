"""The voice process's side of the Whisper worker: one child and one model for all calls, asked one thing at a time.

The queue is kept here: ends of utterances in the order they came, and a guess at what is being said only while nobody
waits. Requests in flight fail at once when the child goes.
"""

import asyncio
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import structlog

from agent import worker_frames
from agent.kept_child import KeptChild
from agent.llm.port import Failure
from agent.stt import whisper_wire as wire
from agent.stt.port import TranscriptionUnavailable
from agent.stt.whisper_folder import BadModelFolder, check_folder

log = structlog.get_logger()

LOAD_TIMEOUT_S: Final = 60.0  # three gigabytes from a slow disk
STALLED_S: Final = 20.0  # one run that takes so long will not end
QUEUE_MAX: Final = 8  # ends of utterances that wait; another one is refused: it would wait longer than a caller does
_COMMAND: Final = (sys.executable, "-m", "agent.stt.whisper_worker")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long people wait, whatever the machine can do: a larger model wants a faster machine."""

    answer_s: float = 3.0
    guess_run_s: float = 0.3  # a guess that takes longer would hold up the end of somebody's utterance


@dataclass(slots=True)
class _Request:
    pcm: bytes
    language: str
    answer: asyncio.Future[wire.Heard] | None  # None: a guess
    on_guess: Callable[[str], None] | None = None


class WhisperProcess:
    """Asks the child; everything runs on the loop."""

    def __init__(self, folder: Path, patience: Patience, command: tuple[str, ...]) -> None:
        command = (*command, str(folder))
        self._patience = patience
        self._child = KeptChild("whisper", command, self._take, self._lost, start_timeout_s=LOAD_TIMEOUT_S)
        self._queue: deque[_Request] = deque()  # bounded by QUEUE_MAX: `hear` refuses
        self._running: _Request | None = None
        self._running_since_s = 0.0
        self._number = 0  # of the request that runs
        self._run_s = 0.0  # what the last one took
        self._broken = ""  # why the model does not load
        self.languages: tuple[str, ...] = ()
        # Read by metrics:
        self.heard = 0
        self.refused = 0
        self.guessed = 0

    @classmethod
    @asynccontextmanager
    async def start(
        cls, folder: Path, patience: Patience | None = None, command: tuple[str, ...] = _COMMAND
    ) -> AsyncGenerator[Self]:
        """Hold the child.

        Raises:
            BadModelFolder: what is in the folder is not a model that loads.
        """
        check_folder(folder)
        process = cls(folder, patience or Patience(), command)
        async with asyncio.TaskGroup() as tasks:
            keeper = tasks.create_task(process._child.run(), name="whisper.keeper")
            try:
                async with asyncio.timeout(LOAD_TIMEOUT_S):
                    await process._child.settled.wait()
            except TimeoutError:
                pass
            broken = process._broken
            if not broken:
                if not process.alive:
                    log.error("whisper.does_not_start", folder=str(folder))
                yield process
            keeper.cancel()
        # Out here, where it is no part of a group of exceptions.
        if broken:
            raise BadModelFolder(broken)

    @property
    def alive(self) -> bool:
        return self._child.alive

    @property
    def pid(self) -> int | None:
        return self._child.pid

    @property
    def restarts(self) -> int:
        return self._child.restarts

    @property
    def may_guess(self) -> bool:
        """True when a guess would keep nobody waiting."""
        return self.alive and self._running is None and self._run_s <= self._patience.guess_run_s

    def guess(self, pcm: bytes, language: str, on_guess: Callable[[str], None]) -> None:
        """Have what was said so far transcribed; `on_guess` may never be called. Ask `may_guess` before."""
        self._queue.append(_Request(pcm, language, None, on_guess))
        self._next()

    async def hear(self, pcm: bytes, language: str) -> wire.Heard:
        """Return what was said in an utterance.

        Raises:
            TranscriptionUnavailable: the child is away, busy, late, or cannot make anything of it.
        """
        self._kill_if_stalled()
        if not self.alive:
            raise TranscriptionUnavailable("whisper: the worker is away")
        if len(self._queue) >= QUEUE_MAX:
            self.refused += 1
            raise TranscriptionUnavailable("whisper: too many utterances wait", Failure.RATE_LIMITED)
        request = _Request(pcm, language, asyncio.get_running_loop().create_future())
        assert request.answer is not None
        self._queue.append(request)
        self._next()
        try:
            async with asyncio.timeout(self._patience.answer_s):
                return await request.answer
        except TimeoutError:
            raise TranscriptionUnavailable("whisper: too slow", Failure.TIMEOUT) from None

    def _next(self) -> None:
        """Send the next request that somebody still waits for."""
        while self._running is None and self._queue:
            request = self._queue.popleft()
            if request.answer is not None and request.answer.done():
                continue  # given up
            self._number += 1
            order = wire.Hear(self._number, request.pcm, request.language, timed=request.answer is not None)
            if not self._child.send(worker_frames.encode(order)):
                _fail(request, TranscriptionUnavailable("whisper: the worker is away"))
                continue
            self._running = request
            self._running_since_s = asyncio.get_running_loop().time()

    def _kill_if_stalled(self) -> None:
        running_s = asyncio.get_running_loop().time() - self._running_since_s
        if self._running is not None and running_s > STALLED_S:
            self._child.kill("stalled")

    def _take(self, body: bytes) -> None:
        """Raises Unreadable."""
        match wire.decode_report(body):
            case wire.Ready(languages=languages, run_ms=run_ms):
                self.languages = languages
                self._run_s = run_ms / 1_000
            case wire.Broken(reason=reason):
                self._broken = reason
                log.error("whisper.model_does_not_load", reason=reason)
                raise worker_frames.Unreadable("no model")
            case wire.Heard() as heard if heard.request == self._number and self._running is not None:
                self._run_s = heard.run_ms / 1_000
                _answer(self._running, heard)
                self.heard += self._running.answer is not None
                self.guessed += self._running.answer is None
                self._running = None
            case wire.Failed(request=number, reason=reason) if number == self._number and self._running is not None:
                log.error("whisper.failed", reason=reason)
                _fail(self._running, TranscriptionUnavailable(f"whisper: {reason}", Failure.REFUSED_REQUEST))
                self._running = None
            case _:
                raise worker_frames.Unreadable("an answer to nothing")
        self._next()

    def _lost(self) -> None:
        waiting = [*self._queue] if self._running is None else [self._running, *self._queue]
        self._queue.clear()
        self._running = None
        for request in waiting:
            _fail(request, TranscriptionUnavailable("whisper: the worker went away"))


def _answer(request: _Request, heard: wire.Heard) -> None:
    if request.on_guess is not None:
        request.on_guess(heard.text)
    elif request.answer is not None and not request.answer.done():
        request.answer.set_result(heard)


def _fail(request: _Request, error: TranscriptionUnavailable) -> None:
    if request.answer is not None and not request.answer.done():
        request.answer.set_exception(error)
