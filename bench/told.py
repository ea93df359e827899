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

    def of(self, name: str) -> list[events.Body] | None:
        """Return what the call of that name told, in its order; None while it is not over."""
        return self._over.get(name)

    async def read(self, redis: Redis, over: Collection[UUID], names: Mapping[UUID, str]) -> None:
        """Take in what is new in the streams of calls that are over, of other calls too; `names`: of those that have
        one. Raises what Redis raises.
        """
        for stream in {wire.event_stream(call_id) for call_id in over}:
            last = self._read_to.get(stream)
            entries: Any = await redis.xrange(stream, min="-" if last is None else b"(" + last)
            for entry, fields in entries or ():
                self._read_to[stream] = entry
                event = events.decode(fields[wire.EVENT_FIELD])
                if isinstance(event.body, events.TurnTimed):
                    self.waterfalls.append(event.body)
                if event.call_id in names:
                    self._going_on.setdefault(event.call_id, []).append(event.body)
        for call_id in over:
            if call_id in names:
                self._over[names[call_id]] = self._going_on.pop(call_id, [])
        while len(self._over) > NAMED_MAX:
            self._over.popitem(last=False)
