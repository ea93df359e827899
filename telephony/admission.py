"""Whether this node takes one more call: the one place that says no for want of room (S31, X1).

Every way in asks here: the dialler before it spends a permit, and whatever opens a stream without one. The answer is
a code of docs/call-path.md. A refusal here has touched nothing, so the same permit is good at another node.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Generator
from typing import Final

import structlog

from media.load import Gauge, Shedding
from telephony.calls import Calls
from telephony.outbox import Outbox

log = structlog.get_logger()

# A call counts in the measurements once it has talked for so long; until then the forecast counts it.
MEASURED_AFTER_S: Final = 2.5


class NoRoom(Exception):
    """This node takes no call now; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Admission:
    """The process's door."""

    def __init__(self, calls: Calls, gauge: Gauge, outbox: Outbox, *, by_load: bool = True) -> None:
        """`by_load`: refuse also when the process is too loaded for one more, not only when it is full."""
        self._calls = calls
        self._gauge = gauge
        self._outbox = outbox
        self._by_load = by_load
        self.admitted = 0  # read by metrics
        self.refused: Counter[str] = Counter()

    @contextlib.contextmanager
    def place(self) -> Generator[None]:
        """Let a call in and hold its place until it is started or given up.

        Raises:
            NoRoom: nothing is held.
        """
        code = self.refusal()
        if code:
            self.refused[code] += 1
            load = self._gauge.load
            log.info("admission.refused", code=code, calls=len(self._calls), level=round(load.level, 2), by=load.reason)
            raise NoRoom(code)
        self.admitted += 1
        with self._calls.place():
            yield

    def refusal(self) -> str:
        """Return why one more call would be refused; empty when it would not."""
        if self._calls.draining:
            return "node_draining"
        if self._calls.full:
            return "node_full"
        if self._outbox.overloaded:
            return "outbox_full"
        if self._by_load and self._gauge.refuses(len(self._calls), self._unmeasured()):
            return "node_overloaded"
        return ""

    def announced(self) -> tuple[float, Shedding, str]:
        """Return the load that a further call would meet, what is shed now, and why a call would be refused."""
        more = self._gauge.with_more(self._unmeasured() + 1)
        return round(more.level, 3), self._gauge.load.shedding, self.refusal()

    def _unmeasured(self) -> int:
        return self._calls.unmeasured(asyncio.get_running_loop().time() - MEASURED_AFTER_S)
