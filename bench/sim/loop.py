"""An event loop on a virtual clock: where it would sleep, its time jumps to the next timer.

Nothing outside can wake it: no socket, no signal, no thread. What the product gives to a thread runs in place, in no
time, so that two runs of the same seed do the same things in the same order.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Final, TypeVar

T = TypeVar("T")

START_S: Final = 1_000.0  # monotonic clocks do not begin at 0, and no code may count on it


class Deadlock(Exception):
    """Everything waits, and no timer will ever wake it."""


class _JumpingSelector(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now_s = START_S

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Deadlock("everything waits, and no timer will ever wake it")
        # Nobody else writes to the loop's own socket: asking the kernel would find nothing.
        self.now_s += max(0.0, timeout)
        return []


class SimLoop(asyncio.SelectorEventLoop):
    """`faults`: what asyncio would have logged (an exception that nobody took), as text."""

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        self.faults: list[str] = []
        self.set_exception_handler(self._note)

    def time(self) -> float:
        return self._jumping.now_s

    def run_in_executor(  # type: ignore[override]  # the base declares its own type variables
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> "asyncio.Future[T]":
        """Run `func` here and now."""
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed on to whoever awaits, as an executor does
            done.set_exception(error)
        return done

    def timers(self) -> list[str]:
        """Return the timers that have not run and were not cancelled."""
        scheduled: list[asyncio.TimerHandle] = self._scheduled  # type: ignore[attr-defined]  # asyncio shows them nowhere
        return [repr(timer) for timer in scheduled if not timer.cancelled()]

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")


def run_virtual(main: Callable[[SimLoop], Coroutine[Any, Any, T]]) -> T:
    """Run `main` to its end on a clock of its own."""
    with asyncio.Runner(loop_factory=SimLoop) as runner:
        loop = runner.get_loop()
        assert isinstance(loop, SimLoop)
        return runner.run(main(loop))
