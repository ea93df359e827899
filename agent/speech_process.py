"""The voice process's side of the speech worker: one child for all calls, restarted when it dies or stalls.

Requests in flight fail at once when the child goes; the caller's policy decides what a call does about it.
"""

import asyncio
import hashlib
import itertools
import os
import sys
from collections import OrderedDict
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import structlog

from agent import speech_wire as wire
from agent import worker_frames
from agent.speech_waiting import Pieces, Waiting
from agent.stt.port import OnPartial, TranscriptionUnavailable
from agent.tts.port import Speech, SpeechUnavailable, SpokenWord

log = structlog.get_logger()

START_TIMEOUT_S: Final = 15.0  # about one second on an idle machine
ANSWER_TIMEOUT_S: Final = 3.0  # answers take milliseconds; one this late is of no use to a call
PREPARE_TIMEOUT_S: Final = 8.0  # a large playbook on a busy machine; typically 0.1 s
STOP_TIMEOUT_S: Final = 2.0
BACK_OFF_S: Final = (0.0, 0.2, 0.5, 1.0, 2.0, 5.0)
PROVEN_AFTER_S: Final = 30.0  # a child that lived this long starts the back-off anew
UNSENT_BYTES_MAX: Final = 1024 * 1024  # orders that a child does not take: a minute of audio
MODELS_MAX: Final = 16  # phrase sets that a restarted child is given again; the oldest use goes first
_COMMAND: Final = (sys.executable, "-m", "agent.speech_worker")
_ENVIRONMENT: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")  # our secrets are none of its


class SpeechProcess:
    """Async context manager: enters when the child is warm, ends it on leaving."""

    def __init__(self, phrases: tuple[str, ...] = (), command: tuple[str, ...] = _COMMAND) -> None:
        """`phrases`: made ready at the start, so that the first call finds them warm."""
        self._command = command
        self._stack = AsyncExitStack()
        self._child: asyncio.subprocess.Process | None = None
        self._alive = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._models: OrderedDict[str, tuple[str, ...]] = OrderedDict()
        self._waiting = Waiting()
        self._reported_at = 0.0  # when the child last said anything
        self.restarts = 0  # read by metrics
        if phrases:
            self._models[_key(phrases)] = phrases

    async def __aenter__(self) -> Self:
        """Raises SpeechUnavailable: the child does not start."""
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._keeper = group.create_task(self._keep_running(), name="speech.keeper")
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                await self._alive.wait()
                for phrases in tuple(self._models.values()):
                    await self.prepare(phrases)
        except BaseException as error:
            self._keeper.cancel()
            await self._stack.aclose()
            if isinstance(error, TimeoutError | TranscriptionUnavailable):
                raise SpeechUnavailable("the speech worker does not start") from None
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if self._keeper is not None:
            self._keeper.cancel()
        return await self._stack.__aexit__(kind, error, trace)

    @property
    def alive(self) -> bool:
        """Whether the child is up and warm."""
        return self._alive.is_set()

    @property
    def pid(self) -> int | None:
        """The child's process id, None while it is away."""
        return self._child.pid if self._child is not None else None

    async def speak(self, text: str, voice: str) -> AsyncGenerator[Speech, None]:
        """Yield the speech of a text; closing the generator takes it back.

        Raises:
            SpeechUnavailable: the child is away, late, or cannot speak this.
        """
        request = next(self._ids)
        pieces = Pieces()
        self._waiting.pieces[request] = pieces
        last = False
        try:
            if not self._send(wire.Speak(request, text, voice)):
                raise SpeechUnavailable("the speech worker is away")
            while not last:
                try:
                    async with asyncio.timeout(ANSWER_TIMEOUT_S):
                        piece = await pieces.get()
                except TimeoutError:
                    self._kill_if_silent("speak_timed_out")
                    raise SpeechUnavailable("the speech worker does not answer") from None
                last = piece.last
                words = tuple(SpokenWord(*word) for word in piece.words)
                yield Speech(piece.pcm, wire.RATE_HZ, words)
        finally:
            del self._waiting.pieces[request]
            if not last:
                self._send(wire.Cancel(request))

    async def prepare(self, phrases: tuple[str, ...]) -> str:
        """Make the recogniser ready for these phrases; return the name of their model.

        Raises:
            TranscriptionUnavailable: the child is away or late, or no phrase can be recognised.
        """
        model = _key(phrases)
        self._models[model] = phrases
        self._models.move_to_end(model)
        if len(self._models) > MODELS_MAX:
            self._models.popitem(last=False)
        answer = self._waiting.models.get(model)
        if answer is None:
            answer = asyncio.get_running_loop().create_future()
            self._waiting.models[model] = answer
            if not self._send(wire.Prepare(model, phrases)):
                del self._waiting.models[model]
                raise TranscriptionUnavailable("the speech worker is away")
        try:
            async with asyncio.timeout(PREPARE_TIMEOUT_S):
                prepared = await asyncio.shield(answer)
        except TimeoutError:
            self._kill("prepare_timed_out")
            raise TranscriptionUnavailable("the speech worker does not answer") from None
        if prepared.unknown_words:
            log.warning("speech.unknown_words", count=len(prepared.unknown_words), words=prepared.unknown_words[:20])
        return model

    def begin(self, model: str, cepstral_mean: str, on_partial: OnPartial) -> int | None:
        """Begin an utterance; return its id, None while the child is away."""
        utterance = next(self._ids)
        if not self._send(wire.Begin(utterance, model, cepstral_mean)):
            return None
        self._waiting.partials[utterance] = on_partial
        self._waiting.heard[utterance] = asyncio.get_running_loop().create_future()
        return utterance

    def feed(self, utterance: int, pcm: bytes) -> None:
        """Hand on samples (int16, 8 kHz); nothing happens to an utterance that has failed. Never waits."""
        if utterance in self._waiting.heard:
            self._send(wire.Feed(utterance, pcm))

    def drop(self, utterance: int) -> None:
        """End an utterance without an answer."""
        self._waiting.partials.pop(utterance, None)
        if self._waiting.heard.pop(utterance, None) is not None:
            self._send(wire.Drop(utterance))

    async def finish(self, utterance: int) -> wire.Heard:
        """End an utterance and return what was said.

        Raises:
            TranscriptionUnavailable: the child went away since its beginning, or is late.
        """
        answer = self._waiting.heard.get(utterance)
        if answer is None:
            raise TranscriptionUnavailable("the speech worker went away")
        self._send(wire.Finish(utterance))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await answer
        except TimeoutError:
            self._kill_if_silent("finish_timed_out")
            raise TranscriptionUnavailable("the speech worker does not answer") from None
        finally:
            self._waiting.heard.pop(utterance, None)
            self._waiting.partials.pop(utterance, None)

    async def _keep_running(self) -> None:
        """Start the child, read its reports, and start it again when it is gone, until cancelled."""
        loop = asyncio.get_running_loop()
        failures = 0
        while True:
            await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])
            started_at = loop.time()
            try:
                await self._run_once()
            except (OSError, worker_frames.Unreadable, asyncio.IncompleteReadError, TimeoutError) as error:
                log.error("speech.worker_lost", cause=type(error).__name__, restarts=self.restarts)
            failures = 0 if loop.time() - started_at > PROVEN_AFTER_S else failures + 1
            self.restarts += 1

    async def _run_once(self) -> None:
        """Hold one child from its start to its end.

        Raises:
            IncompleteReadError: it ended. OSError, Unreadable or TimeoutError: it is of no use.
        """
        self._child = child = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=_child_environment(),
        )
        assert child.stdout is not None
        try:
            async with asyncio.timeout(START_TIMEOUT_S):
                self._take(await _read_report(child.stdout))
            while True:
                # No time-out: a child with nothing to do says nothing, and a stalled one is killed by its requests.
                self._take(await _read_report(child.stdout))
                self._reported_at = asyncio.get_running_loop().time()
        finally:
            self._alive.clear()
            self._child = None
            self._waiting.fail()
            await _end(child)

    def _take(self, report: wire.Report) -> None:
        match report:
            case wire.Ready():
                self._alive.set()
                for model, phrases in self._models.items():
                    self._send(wire.Prepare(model, phrases))
            case _:
                self._waiting.take(report)

    def _send(self, order: wire.Order) -> bool:
        """Write without waiting; False when the child is away. A child that takes nothing is killed."""
        child = self._child
        if child is None or child.stdin is None or not self._alive.is_set() or child.stdin.is_closing():
            return False
        if child.stdin.transport.get_write_buffer_size() > UNSENT_BYTES_MAX:
            self._kill("orders_not_taken")
            return False
        child.stdin.write(worker_frames.encode(order))
        return True

    def _kill_if_silent(self, reason: str) -> None:
        """Kill a child that has stalled; one that answers others is only slow, and killing it would fail them all."""
        if asyncio.get_running_loop().time() - self._reported_at >= ANSWER_TIMEOUT_S:
            self._kill(reason)

    def _kill(self, reason: str) -> None:
        child = self._child
        if child is None or child.returncode is not None:
            return
        log.error("speech.worker_killed", reason=reason)
        # From here on requests fail at once; the keeper sees the end of the pipe and starts another.
        self._alive.clear()
        with suppress(ProcessLookupError):
            child.kill()


def _key(phrases: tuple[str, ...]) -> str:
    return hashlib.sha256("\n".join(phrases).encode()).hexdigest()[:24]


def _child_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return kept | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONUNBUFFERED": "1"}


async def _read_report(source: asyncio.StreamReader) -> wire.Report:
    head = await source.readexactly(worker_frames.HEAD.size)
    return wire.decode_report(await source.readexactly(worker_frames.body_bytes(head)))


async def _end(child: asyncio.subprocess.Process) -> None:
    """Close the child's input, which ends it; kill it when it does not."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await child.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
