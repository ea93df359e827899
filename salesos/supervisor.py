"""Keeps our processes running: starts them, tells their changes of state, restarts the dead, stops them in order."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from salesos import child as child_module
from salesos.child import Child, ChildState
from salesos.embedded.engine import last_lines
from salesos.health_watch import HealthWatch
from salesos.screen import Screen

# A process without HTTP counts as ready when it has lived this long.
SETTLED_S: Final = 1.0
# At the start a fault is most likely the operator's to mend, so it is told sooner.
QUICK_DEATHS_AT_START: Final = 3
# A process that is down for longer than a restart takes is worth a line.
LOGS_CHECKED_EVERY_S: Final = 5.0


class ChildFailed(Exception):
    """A process does not stay up; the message holds the end of its log."""


class Supervisor:
    """Owns the children; `tick` is called a few times a second from the main thread."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._children: list[Child] = []
        self._health: HealthWatch | None = None
        self._logs_checked_at = 0.0

    @property
    def children(self) -> Sequence[Child]:
        return self._children

    @property
    def all_ready(self) -> bool:
        return all(child.state is ChildState.READY for child in self._children)

    def start(self, children: Sequence[Child]) -> None:
        """Start more children at once; they become ready in later ticks."""
        for child in children:
            child.start()
            self._children.append(child)
        if self._health is not None:
            self._health.stop()
        self._health = HealthWatch({child.name: child.health_url for child in self._children if child.health_url})
        self._health.start()

    def tick(self) -> None:
        """Look at every child once and do what is due.

        Raises:
            ChildFailed: one died too often, too quickly.
        """
        for child in self._children:
            if child.state is ChildState.WAITING:
                if time.monotonic() >= child.restart_at:
                    child.start()
            elif not child.runs:
                self._bury(child)
            else:
                self._look_at(child)
        if time.monotonic() - self._logs_checked_at > LOGS_CHECKED_EVERY_S:
            self._logs_checked_at = time.monotonic()
            for child in self._children:
                child_module.bound_log(child.log_path)

    def not_ready(self) -> list[str]:
        """Return what is not ready and the end of its log, for people."""
        return [
            f"{child.name} is {child.state}; its log ends:\n{last_lines(child.log_path)}"
            for child in self._children
            if child.state is not ChildState.READY
        ]

    def stop(self, order: Sequence[str], in_haste: Callable[[], bool] = lambda: False) -> None:
        """Stop all: one after another in `order`, then whatever it does not name. Safe to repeat.

        `in_haste` is asked while one takes its time: True ends it by force.
        """
        if self._health is not None:
            self._health.stop()
        rank = {name: place for place, name in enumerate(order)}
        for child in sorted(self._children, key=lambda child: rank.get(child.name, len(rank))):
            if child.runs:
                self._screen.note(f"stopping {child.name}")
            child.stop(in_haste)

    def _look_at(self, child: Child) -> None:
        lived_s = time.monotonic() - child.started_at
        if child.health_url:
            ready = self._health is not None and self._health.is_ready(child.name)
        else:
            ready = lived_s > SETTLED_S
        if ready and child.state is not ChildState.READY:
            first = child.state is ChildState.STARTING
            child.state = ChildState.READY
            child.was_ready = True
            self._screen.note(f"{child.name:<8} ready" + (f" after {lived_s:.1f} s" if first else " again"))
        elif not ready and child.state is ChildState.READY:
            child.state = ChildState.NOT_READY
            self._screen.warn(f"{child.name:<8} not ready: its health check fails")

    def _bury(self, child: Child) -> None:
        ending = child.exit_status()
        if self._health is not None:
            self._health.forget(child.name)
        wait_s = child.plan_restart()
        limit = child_module.QUICK_DEATHS_MAX if child.was_ready else QUICK_DEATHS_AT_START
        if child.quick_deaths >= limit:
            raise ChildFailed(
                f"{child.name} {ending}, {child.quick_deaths} times in quick succession; its log ends:\n"
                f"{last_lines(child.log_path)}"
            )
        self._screen.warn(f"{child.name:<8} {ending}: restarting in {wait_s:g} s")
