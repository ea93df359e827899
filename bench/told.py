"""What calls told of themselves: their events as they lie in Redis, read before the bench trims the streams.

Of every call the timings of its answers, and of a call that came by a name all its events, until somebody asks.
"""

from collections import OrderedDict, deque
from collections.abc import Collection, Mapping
from typing import Any, Final
from uuid import UUID

from redis.asyncio import Redis

from events import call as events
from events import wire

WATERFALLS_MAX: Final = 1_000  # answers whose timings are kept to be asked for
NAMED_MAX: Final = 200  # calls whose events are kept; the oldest is forgotten


class Told:
    def __init__(self) -> None:
        self.waterfalls: deque[events.TurnTimed] = deque(maxlen=WATERFALLS_MAX)
        self._read_to: dict[str, Any] = {}  # by stream, the last entry that was read
        self._going_on: dict[UUID, list[events.Body]] = {}  # of calls with a name
        self._over: OrderedDict[str, list[events.Body]] = OrderedDict()

    def read_to(self, stream: str) -> Any:
        """Return the last entry of a stream that was read; None of one that never was."""
        return self._read_to.get(stream)

    def of(self, name: str) -> list[events.Body] | None:
        """Return what the call of that name told, in its order; None while its last event has not been read."""
        return self._over.get(name)

    async def read(self, redis: Redis, calls: Collection[UUID], names: Mapping[UUID, str]) -> None:
        """Take in what is new in the streams of these calls, of other calls too; `names`: of those that have one.

        What is behind `read_to` of a stream must not be trimmed. Raises what Redis raises.
        """
        for stream in {wire.event_stream(call_id) for call_id in calls}:
            last = self._read_to.get(stream)
            entries: Any = await redis.xrange(stream, min="-" if last is None else b"(" + last)
            for entry, fields in entries or ():
                self._read_to[stream] = entry
                self._take(events.decode(fields[wire.EVENT_FIELD]), names)
        while len(self._over) > NAMED_MAX:
            self._over.popitem(last=False)

    def _take(self, event: events.Event, names: Mapping[UUID, str]) -> None:
        if isinstance(event.body, events.TurnTimed):
            self.waterfalls.append(event.body)
        if event.call_id not in names:
            return
        told = self._going_on.setdefault(event.call_id, [])
        told.append(event.body)
        # A call can be over for a while before its last events leave the outbox.
        if isinstance(event.body, events.Closed):
            self._over[names[event.call_id]] = self._going_on.pop(event.call_id)
