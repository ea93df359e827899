"""Events of one life of a call."""

from pathlib import Path

import redis.asyncio as redis

from events import call as events
from events.ids import new_id
from telephony.call.emitter import Emitter
from telephony.outbox import Outbox


async def test_they_are_numbered_and_nothing_follows_the_close(tmp_path: Path) -> None:
    told: list[events.Event] = []

    class Kept(Outbox):
        def put(self, event: events.Event) -> None:
            told.append(event)

    emitter = Emitter(new_id(), new_id(), 3, Kept(tmp_path, redis.Redis()))
    for body in (events.Answered(), events.Closed(), events.ModelUsed("p", "thrown_away")):
        emitter.emit(body)
    assert [(event.epoch, event.seq, event.body) for event in told] == [
        (3, 1, events.Answered()),
        (3, 2, events.Closed()),
    ]
