"""Offers a span of an event stream again: what was missed is applied, and nothing twice.

For a database that was set back, or a consumer that had a fault. Redis keeps what was applied for a while
(crm.call_events). The streams' cursors stay where they are, and a consumer may run meanwhile.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, cast
from uuid import UUID

from redis.asyncio import Redis

from crm.calls.intake import Done, Entry, bury, take
from crm.calls.model import Why
from crm.calls.sequence import Place, place
from crm.database import Sessions
from crm.recovery.store import StoredEvents
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events import wire
from events.call import Event

_KNOWN: Final = {Place.DUPLICATE: Done.REPEATED, Place.STALE: Done.STALE}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of one stream, in ids of entries: milliseconds since 1970, a dash, a count."""

    stream: str
    after: str = "0-0"  # not included
    until: str = "+"  # included; the end of the stream
    call_id: UUID | None = None  # of this call only
    limit: int = 200  # entries looked at


@dataclass(frozen=True, slots=True)
class Replayed:
    done: Mapping[Done, int]
    next: str | None  # where the rest of the span begins (`after`); None: it is over


async def replay(span: Span, sessions: Sessions, redis: Redis) -> Replayed:
    """Offer up to `limit` entries of a span.

    Raises:
        RedisError, OSError, TimeoutError, SQLAlchemyError: Redis or Postgres away; asked again it does the rest.
    """
    # The client's declared type covers every protocol and decoding; ours are fixed in open_redis.
    found = cast(Any, await redis.xrange(span.stream, f"({span.after}", span.until, count=span.limit))
    done: Counter[Done] = Counter()
    by_org: dict[UUID, list[tuple[Entry, Event]]] = {}
    for entry_id, fields in found:
        entry = Entry(span.stream, entry_id.decode(), fields.get(wire.EVENT_FIELD, b""))
        try:
            event = happenings.decode(entry.raw)
        except happenings.Unreadable as fault:
            if span.call_id is None:
                async with UnitOfWork(sessions) as unit:
                    await bury(entry, unit, Why.UNREADABLE, f"unreadable: {fault}")
                    await unit.commit()
                done[Done.BURIED] += 1
            continue
        if span.call_id in (None, event.call_id):
            by_org.setdefault(event.org_id, []).append((entry, event))
    for org_id, events in by_org.items():
        done += await _offer(org_id, events, sessions)
    return Replayed(done, found[-1][0].decode() if len(found) == span.limit else None)


async def _offer(org_id: UUID, events: Sequence[tuple[Entry, Event]], sessions: Sessions) -> Counter[Done]:
    done: Counter[Done] = Counter()
    async with UnitOfWork(sessions, org_id) as unit:
        places = await StoredEvents(unit).places(sorted({event.call_id for _, event in events}))
    for entry, event in events:
        # Most of a span has been applied: those need no transaction of their own. Places only ever rise.
        known = _KNOWN.get(place(places.get(event.call_id, (0, 0)), (event.epoch, event.seq)))
        if known is not None:
            done[known] += 1
            continue
        async with UnitOfWork(sessions, org_id) as unit:
            taken = await take(event, entry, unit)
            await unit.commit()
        done[taken.done] += 1
        if event.call_id in places:
            places[event.call_id] = (taken.mark.epoch, taken.mark.seq)
    return done
