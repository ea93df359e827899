"""What one life of a call says, numbered: each event goes to the outbox with its epoch and place. Never waits."""

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import structlog

from events import call as events
from telephony.outbox import Outbox

log = structlog.get_logger()


def utc_now() -> datetime:
    return datetime.now(UTC)


class Emitter:
    """One epoch of one call: its own is the first, and whoever speaks for it after its process died has another."""

    def __init__(
        self,
        org_id: UUID,
        call_id: UUID,
        epoch: int,
        outbox: Outbox,
        wall: Callable[[], datetime] = utc_now,
        follow: Callable[[events.Event], None] = lambda _event: None,
    ) -> None:
        """`follow` gets each event as well, for who looks on."""
        self._org_id = org_id
        self._call_id = call_id
        self._epoch = epoch
        self._seq = 0
        self._outbox = outbox
        self._wall = wall
        self._follow = follow
        self._closed = False

    def emit(self, body: events.Body) -> None:
        """Tell that; nothing is told behind `Closed`, which gives the call's journal away."""
        if self._closed:
            # A vendor's socket may take longer to close than the call.
            log.warning("event.after_close", kind=events.kind_of(body))
            return
        self._closed = isinstance(body, events.Closed)
        self._seq += 1
        event = events.Event(self._org_id, self._call_id, self._epoch, self._seq, self._wall(), body)
        self._outbox.put(event)
        self._follow(event)
