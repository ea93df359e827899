"""A pipecat service run without a pipeline: set up, given frames, and listened to at both its ends.

Its tasks are born in the call's own group, its logs are silent, and what it raises ends it and nothing else.
"""

import asyncio
import contextlib
import importlib
import warnings
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context
from typing import Any, Final, cast

import structlog

from agent.llm.port import Failure
from agent.pipecat_bridge.parts import (
    AIService,
    BaseClock,
    BaseTaskManager,
    CancelFrame,
    ErrorCategory,
    ErrorFrame,
    Frame,
    FrameDirection,
    FrameProcessor,
    FrameProcessorSetup,
    StartFrame,
)
from agent.pipecat_bridge.services import SETTING, BridgedService

log = structlog.get_logger()

RATE_HZ: Final = 8_000
START_TIMEOUT_S: Final = 5.0
STOP_TIMEOUT_S: Final = 1.0
UNSENT_MAX: Final = 250  # frames that the service has not taken: of audio 80 ms each; then the oldest goes
UNDER_WAY_MAX: Final = 25  # of those, given to its own queue, which has no bound
FAILURES: Final = {
    ErrorCategory.AUTHENTICATION: Failure.REFUSED_KEY,
    ErrorCategory.AUTHORIZATION: Failure.REFUSED_KEY,
    ErrorCategory.QUOTA: Failure.REFUSED_KEY,
    ErrorCategory.INVALID_REQUEST: Failure.REFUSED_REQUEST,
    ErrorCategory.RATE_LIMIT: Failure.RATE_LIMITED,
}


class ServiceFailed(Exception):
    """The service cannot be had, or says that it failed."""

    def __init__(self, message: str, failure: Failure) -> None:
        super().__init__(message)
        self.failure = failure


HOPELESS: Final = (Failure.REFUSED_KEY, Failure.REFUSED_REQUEST)  # another connection would be refused as well


class SettableClock(BaseClock):
    """Shows what it is set to: a service then tells when words are relative to that, not to when it was asked."""

    def __init__(self) -> None:
        self.now_ns = 1

    def get_time(self) -> int:
        return self.now_ns

    def start(self) -> None:
        """It does not run."""


class Host:
    """Holds one service of one call; `run` is its task, until `close`."""

    def __init__(
        self,
        bridged: BridgedService,
        kind: type[AIService],
        language: str,
        on_frame: Callable[["Host", Frame], None],
        on_failure: Callable[["Host", ServiceFailed], None],
    ) -> None:
        """`on_frame`: gets what comes out downstream; `on_failure`: the service says that something went wrong.

        Both are given this host: one that was left may still talk.
        """
        self._bridged = bridged
        self._kind = kind
        self._language = language
        self._on_frame = on_frame
        self._on_failure = on_failure
        self._service: AIService | None = None
        self._unsent: deque[Frame] = deque()
        self._under_way = 0
        self._wake = asyncio.Event()
        self._settled = asyncio.Event()
        self._started = asyncio.Event()
        self._stopped = asyncio.Event()
        self._closing = asyncio.Event()
        self._failed: ServiceFailed | None = None  # for good
        self.clock = SettableClock()
        self._logged: set[tuple[ErrorCategory, str]] = set()
        self.dropped = 0  # frames; read by metrics

    @property
    def failed(self) -> ServiceFailed | None:
        """Why the service is of no use any more; None while it is."""
        if self._failed is None and self._service is not None and not self._service.is_usable:
            return ServiceFailed(f"{self._bridged.name}: it gave up", Failure.UNAVAILABLE)
        return self._failed

    @property
    def service(self) -> AIService:
        assert self._service is not None, "it has not started"
        return self._service

    async def until_started(self) -> None:
        """Raises ServiceFailed."""
        await self._settled.wait()
        if (failed := self.failed) is not None:
            raise failed

    def send(self, frame: Frame) -> None:
        """Hand a frame to the service; never waits."""
        if len(self._unsent) >= UNSENT_MAX:
            self._unsent.popleft()
            self.dropped += 1
        self._unsent.append(frame)
        self._wake.set()

    def close(self) -> None:
        """Have the service ended; `run` does it."""
        self._closing.set()

    async def run(self) -> None:
        """Hold the service until `close`; it leaves no task behind."""
        try:
            async with asyncio.TaskGroup() as group:
                tasks = _Tasks(group, self._bridged.name)
                try:
                    async with asyncio.timeout(START_TIMEOUT_S):
                        await self._start(tasks)
                except TimeoutError:
                    self._fail(ServiceFailed(f"{self._bridged.name}: it does not start in time", Failure.TIMEOUT))
                except ServiceFailed as error:
                    self._fail(error)
                self._settled.set()
                if self._failed is None:
                    sending = group.create_task(self._send_all(), name="pipecat.send")
                    await self._closing.wait()
                    sending.cancel()
                    await asyncio.wait([sending])
                await self._stop()
                for task in tasks.current_tasks():
                    task.cancel()
        finally:
            self._fail(ServiceFailed(f"{self._bridged.name}: it was ended", Failure.UNAVAILABLE))
            self._settled.set()

    async def _start(self, tasks: "_Tasks") -> None:
        """Raises ServiceFailed."""
        service = await _made(self._bridged, self._kind, self._language)
        self._service = service
        source, sink = _End(self._from_upstream), _End(self._from_downstream)
        source.link(service)
        service.link(sink)
        # No worker: it belongs to pipelines, and services reach it only for what applications put there.
        setup = FrameProcessorSetup(
            clock=self.clock,
            task_manager=tasks,
            pipeline_worker=cast(Any, None),
            audio_in_sample_rate=RATE_HZ,
            audio_out_sample_rate=RATE_HZ,
            enable_metrics=True,
        )
        try:
            await service.setup(setup)
            await service.queue_frame(StartFrame())
        except Exception as error:  # noqa: BLE001 - anybody's code
            raise _failure(self._bridged.name, error) from None
        await self._started.wait()

    async def _stop(self) -> None:
        """End the service, in time or not."""
        if self._service is None:
            return
        for end in (self._cancelled, self._cleaned_up):
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await end(self._service)
            except Exception as error:  # noqa: BLE001 - anybody's code, and it is over
                log.warning("pipecat.stop_failed", service=self._bridged.name, cause=type(error).__name__)

    async def _cancelled(self, service: AIService) -> None:
        if self._started.is_set():
            await service.queue_frame(CancelFrame())
            await self._stopped.wait()

    async def _cleaned_up(self, service: AIService) -> None:
        await service.cleanup()  # type: ignore[no-untyped-call]  # theirs

    async def _send_all(self) -> None:
        while self._failed is None:
            self._wake.clear()
            while self._unsent and self._under_way < UNDER_WAY_MAX:
                frame = self._unsent.popleft()
                self._under_way += 1
                try:
                    await self.service.queue_frame(frame, FrameDirection.DOWNSTREAM, self._taken)
                except Exception as error:  # noqa: BLE001 - anybody's code; other calls go on
                    self._fail(_failure(self._bridged.name, error))
                    self._on_failure(self, _failure(self._bridged.name, error))
                    return
            await self._wake.wait()

    async def _taken(self, _service: FrameProcessor, _frame: Frame, _direction: FrameDirection) -> None:
        self._under_way = max(0, self._under_way - 1)
        self._wake.set()

    def forget_under_way(self) -> None:
        """What was in the service's queue is not there any more: an interruption empties it."""
        self._under_way = 0
        self._wake.set()

    def _from_upstream(self, frame: Frame) -> None:
        if isinstance(frame, ErrorFrame):
            self._under_way = max(0, self._under_way - 1)  # a frame that cannot be processed is not told of
            self._wake.set()
            category = frame.category or ErrorCategory.UNKNOWN
            failed = ServiceFailed(
                f"{self._bridged.name}: {category.value} error", FAILURES.get(category, Failure.UNAVAILABLE)
            )
            # No text of the error: it can hold what was said, or a key.
            usable = self._service is not None and self._service.is_usable
            cause = type(frame.exception).__name__ if frame.exception is not None else ""
            if (category, cause) not in self._logged:  # else one for each packet, perhaps
                self._logged.add((category, cause))
                log.warning("pipecat.error", service=self._bridged.name, category=category.value, cause=cause)
            if not usable:
                self._fail(failed)
            self._on_failure(self, failed)

    def _from_downstream(self, frame: Frame) -> None:
        if isinstance(frame, StartFrame):
            self._started.set()
        elif isinstance(frame, CancelFrame):
            self._stopped.set()
        else:
            self._on_frame(self, frame)

    def _fail(self, failed: ServiceFailed) -> None:
        if self._failed is None:
            self._failed = failed


class _End(FrameProcessor):
    """What a service is linked to, before and behind it."""

    def __init__(self, take: Callable[[Frame], None]) -> None:
        super().__init__(enable_direct_mode=True)
        self._take = take

    async def queue_frame(self, frame: Frame, direction: FrameDirection = ..., callback: Any = None) -> None:  # type: ignore[assignment]  # always given
        """Take the frame at once: nothing of ours waits."""
        del direction, callback
        self._take(frame)


class _Tasks(BaseTaskManager):
    """Has a service's tasks born in our group, where none outlives its call; what they raise ends none but them."""

    def __init__(self, group: asyncio.TaskGroup, name: str) -> None:
        self._group = group
        self._name = name
        self._tasks: set[asyncio.Task[Any]] = set()
        self._logged: set[str] = set()

    def get_event_loop(self) -> asyncio.AbstractEventLoop:
        return asyncio.get_running_loop()

    def create_task(
        self, coroutine: Coroutine[Any, Any, Any], name: str, context: Context | None = None
    ) -> asyncio.Task[Any]:
        task = self._group.create_task(self._contained(coroutine), name=name, context=context)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # One that is cancelled before it began has not begun the coroutine either, which would complain.
        task.add_done_callback(lambda _task: coroutine.close())
        return task

    async def cancel_task(self, task: asyncio.Task[Any], timeout: float | None = None) -> None:  # noqa: ASYNC109 - theirs
        """Cancel a task and wait for its end; the one that asks is left alone."""
        if task is asyncio.current_task():
            return
        task.cancel()
        await asyncio.wait([task], timeout=timeout or STOP_TIMEOUT_S)

    def current_tasks(self) -> Sequence[asyncio.Task[Any]]:
        return tuple(self._tasks)

    async def _contained(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        try:
            return await coroutine
        except Exception as error:  # noqa: BLE001 - anybody's code; the call goes on
            if (cause := type(error).__name__) not in self._logged:
                self._logged.add(cause)
                log.error("pipecat.task_failed", service=self._name, cause=cause)
            return None


async def _made(bridged: BridgedService, kind: type[AIService], language: str) -> AIService:
    """Import and construct the service. Raises ServiceFailed: names the setting and what is wrong with it."""
    module, _, name = bridged.service.rpartition(".")
    try:
        found = getattr(await asyncio.to_thread(_imported, module), name, None)
    except Exception as error:  # noqa: BLE001 - anybody's module
        raise _misconfigured(bridged, f"{module} cannot be imported: {error}") from None
    if not (isinstance(found, type) and issubclass(found, kind)):
        raise _misconfigured(bridged, f"{name} of {module} is not a pipecat {kind.__name__}")
    arguments = dict(bridged.arguments)
    with contextlib.suppress(AttributeError):
        settings: Any = found.Settings  # type: ignore[attr-defined]  # the services that have settings call them so
        fields = {"language": language} | bridged.settings
        try:
            arguments["settings"] = settings(**fields)
        except TypeError as error:
            raise _misconfigured(bridged, f"settings: {error}") from None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            service: AIService = found(**arguments)
    except Exception as error:  # noqa: BLE001 - anybody's constructor; what it says is about the operator's arguments
        raise _misconfigured(bridged, f"arguments: {error}") from None
    return service


def _imported(module: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return importlib.import_module(module)


def _misconfigured(bridged: BridgedService, what: str) -> ServiceFailed:
    return ServiceFailed(f"{SETTING}: {bridged.name}: {what}", Failure.REFUSED_REQUEST)


def _failure(name: str, error: Exception) -> ServiceFailed:
    return ServiceFailed(f"{name}: {type(error).__name__}", Failure.UNAVAILABLE)
