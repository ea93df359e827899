"""Takes one entry of an event stream into the database, effective once, in the caller's transaction.

An event before its turn is parked, a repeated or stale one changes nothing, and one that cannot be applied is
kept as a dead letter, so that nothing ever blocks a stream.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from uuid import UUID

import structlog
from psycopg.errors import DeadlockDetected
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from crm.calls.effects import apply
from crm.calls.model import Call, DeadLetter, Why
from crm.calls.parked import ParkedStore
from crm.calls.sequence import Place, place
from crm.calls.step import Step
from crm.calls.store import CallStore
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events.call import Event

CAUSE_CHARS_MAX: Final = 500

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a call is committed, for the voice node's journal."""

    org_id: UUID
    call_id: UUID
    epoch: int
    seq: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream."""

    stream: str
    id: str
    raw: bytes


class Done(StrEnum):
    """What became of an event."""

    APPLIED = "applied"
    REPEATED = "repeated"  # it was applied before
    STALE = "stale"  # of an epoch that was taken over: refused
    PARKED = "parked"  # it waits for one before it
    BURIED = "buried"  # it lies with the dead letters


@dataclass(frozen=True, slots=True)
class Taken:
    done: Done
    mark: Mark


async def take(event: Event, entry: Entry, unit: UnitOfWork) -> Taken:
    """Take a readable event whose organisation is the unit's."""
    calls = CallStore(unit)
    call = await calls.lock(event.call_id)
    if call is None:
        await bury(entry, unit, Why.UNKNOWN_CALL, "unknown call", event)
        # Acknowledged all the same: its journal would be sent again for ever.
        return Taken(Done.BURIED, Mark(event.org_id, event.call_id, event.epoch, event.seq))
    done = Done.REPEATED
    match place((call.epoch, call.seq), (event.epoch, event.seq)):
        case Place.NEXT:
            applied = await _apply_with_followers(event, entry, call, unit)
            done = Done.APPLIED if applied else Done.BURIED
        case Place.GAP:
            await ParkedStore(unit).park(event, entry.raw)
            log.info("event.parked", call_id=str(call.id), epoch=event.epoch, seq=event.seq)
            done = Done.PARKED
        case Place.STALE:
            log.warning("event.stale", call_id=str(event.call_id), epoch=event.epoch, seq=event.seq)
            done = Done.STALE
        case Place.DUPLICATE:
            pass
    call = await calls.lock(event.call_id)
    assert call is not None, "locked above"
    return Taken(done, Mark(event.org_id, event.call_id, call.epoch, call.seq))


async def bury(entry: Entry, unit: UnitOfWork, why: Why, cause: str, event: Event | None = None) -> None:
    """Keep an entry that cannot be applied for people to look at; one that lies there already is counted."""
    log.error("event.dead_letter", stream=entry.stream, entry_id=entry.id, why=why.value, cause=cause)
    letter = insert(DeadLetter).values(
        org_id=event.org_id if event else None,
        call_id=event.call_id if event else None,
        stream=entry.stream,
        entry_id=entry.id,
        why=why.value,
        cause=cause[:CAUSE_CHARS_MAX],
        raw=entry.raw,
    )
    again = {"times": DeadLetter.times + 1, "cause": letter.excluded.cause, "at": letter.excluded.at}
    await unit.session.execute(letter.on_conflict_do_update(index_elements=["stream", "digest"], set_=again))


def is_away(error: DBAPIError) -> bool:
    """Say whether the database could not be asked, rather than having refused."""
    gone = isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated
    return gone and not is_deadlock(error)


def is_deadlock(error: DBAPIError) -> bool:
    """Say whether this transaction was given up for another to go on."""
    return isinstance(error.orig, DeadlockDetected)


async def _apply_with_followers(event: Event, entry: Entry, call: Call, unit: UnitOfWork) -> bool:
    """Apply an event and what waited for it; False when the event itself was buried."""
    calls = CallStore(unit)
    if call.epoch == 0 and call.seq == 0:
        await calls.confirm_dials([call.id])
    if event.epoch > call.epoch:
        await ParkedStore(unit).drop_before(call.id, event.epoch)
    applied = await _apply_or_bury(event, entry, unit)
    seq = event.seq
    while (raw := await ParkedStore(unit).unpark(event.call_id, event.epoch, seq + 1)) is not None:
        follower = happenings.decode(raw)  # was readable when it was parked
        await _apply_or_bury(follower, Entry(entry.stream, entry.id, raw), unit)
        seq = follower.seq
    return applied


async def _apply_or_bury(event: Event, entry: Entry, unit: UnitOfWork) -> bool:
    """Apply the next event; one whose effects fail is kept aside, counts as applied, and gives False."""
    calls = CallStore(unit)
    cause = ""
    try:
        async with unit.session.begin_nested():
            call = await calls.lock(event.call_id)
            assert call is not None, "the call is locked by this transaction"
            call.epoch, call.seq = event.epoch, event.seq
            step = Step(unit)
            await apply(event, call, step)
            await step.write()
    except DBAPIError as error:
        if is_away(error) or is_deadlock(error):
            # Not the event's fault.
            raise
        cause = type(error.orig).__name__
    except Exception as error:  # noqa: BLE001 - one call's bad event must not stop the others
        cause = type(error).__name__
    if cause:
        await bury(entry, unit, Why.FAILED, cause, event)
        call = await calls.lock(event.call_id)
        assert call is not None, "the call is locked by this transaction"
        call.epoch, call.seq = event.epoch, event.seq
        await unit.session.flush()
    return not cause
