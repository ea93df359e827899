"""Looking at events that could not be applied, trying them again, and giving them up: an organisation its own, the
operator all."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError

from crm.calls.intake import Done, Entry, is_away, take
from crm.calls.model import DeadLetter, Why
from crm.calls.step import Step
from crm.calls.store import CallStore
from crm.database import Sessions, utc_now
from crm.recovery.late import apply_late
from crm.recovery.store import DeadLetterStore
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events.call import Event

log = structlog.get_logger()


class DeadEventNotFound(Refusal):
    def __init__(self, letter_id: UUID) -> None:
        super().__init__("dead_event_not_found", {"id": str(letter_id)})


class StillFails(Refusal):
    """It lies where it lay."""

    def __init__(self, letter_id: UUID, cause: str) -> None:
        self.cause = cause
        super().__init__("dead_event_fails", {"id": str(letter_id), "cause": cause})


async def list_dead(
    unit: UnitOfWork, org_id: UUID | None, *, call_id: UUID | None, before: UUID | None, limit: int
) -> Sequence[DeadLetter]:
    """Return the newest first; `org_id` None: all organisations', and what could not be read."""
    async with unit:
        return await DeadLetterStore(unit).page(org_id, call_id=call_id, before=before, limit=limit)


async def discard(letter_id: UUID, unit: UnitOfWork, org_id: UUID | None) -> None:
    """Delete one: what it says is never applied. Raises DeadEventNotFound."""
    async with unit:
        if not await DeadLetterStore(unit).take_out(letter_id, org_id):
            raise DeadEventNotFound(letter_id)
        await unit.commit()
    log.warning("event.discarded", letter_id=str(letter_id))


async def retry(letter_id: UUID, sessions: Sessions, org_id: UUID | None) -> Done:
    """Apply one, in its turn or after it, and delete the letter; nothing happens twice.

    Raises:
        DeadEventNotFound: it is gone, or another organisation's.
        StillFails: nothing is changed but the note of why.
    """
    try:
        done = await _retry(letter_id, sessions, org_id)
    except StillFails as fault:
        async with UnitOfWork(sessions) as unit:
            await DeadLetterStore(unit).failed_again(letter_id, fault.cause, utc_now())
            await unit.commit()
        raise
    log.info("event.retried", letter_id=str(letter_id), done=done.value)
    return done


async def _retry(letter_id: UUID, sessions: Sessions, org_id: UUID | None) -> Done:
    async with UnitOfWork(sessions, org_id) as unit:
        letter = await DeadLetterStore(unit).find(letter_id, org_id)
    if letter is None:
        raise DeadEventNotFound(letter_id)
    async with UnitOfWork(sessions, letter.org_id) as unit:
        raw = await DeadLetterStore(unit).raw(letter_id)
    if raw is None:
        raise DeadEventNotFound(letter_id)
    try:
        event = happenings.decode(raw)
    except happenings.Unreadable as fault:
        raise StillFails(letter_id, f"unreadable: {fault}") from None
    async with UnitOfWork(sessions, event.org_id) as unit:
        # First: two who try it at once wait for one another here, and it comes back when this is rolled back.
        if not await DeadLetterStore(unit).take_out(letter_id):
            raise DeadEventNotFound(letter_id)
        done = await _apply(letter, event, raw, unit)
        await unit.commit()
    return done


async def _apply(letter: DeadLetter, event: Event, raw: bytes, unit: UnitOfWork) -> Done:
    call = await CallStore(unit).lock(event.call_id)
    if call is None:
        raise StillFails(letter.id, "unknown call")
    if letter.why != Why.FAILED.value:
        return (await take(event, Entry(letter.stream, letter.entry_id, raw), unit)).done
    try:
        return Done.APPLIED if await apply_late(event, call, Step(unit)) else Done.REPEATED
    except DBAPIError as error:
        if is_away(error):
            raise
        raise StillFails(letter.id, type(error.orig).__name__) from error
    except Exception as error:
        raise StillFails(letter.id, type(error).__name__) from error
