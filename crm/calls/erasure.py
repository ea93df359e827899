"""Erasing a call's recording or all that was said in it, on request or when its time is over.

What is erased is marked in one transaction, and from then on nobody gets it; the objects are removed by the worker,
which tries until they are gone. The mark stays: a node that uploads late finds its recording removed again.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import structlog
from obstore.store import ObjectStore

from crm.calls.erased_objects import remove_objects
from crm.calls.erased_words import BLANK
from crm.calls.erasure_store import DutyStore, ErasureStore, new_erasure
from crm.calls.model import Call, Erasure
from crm.calls.recordings import StoreAway
from crm.calls.store import CallStore, DialStore
from crm.calls.summary import CallNotFound
from crm.database import Sessions, utc_now
from crm.identity.tokens import Identity
from crm.inbox.store import InboxStore
from crm.notes.store import NoteStore as LeadNotes
from crm.refusals import Refusal
from crm.understanding.store import NoteStore
from crm.unit_of_work import UnitOfWork
from crm.votes.store import VoteStore
from events.call import TERMINAL

RECORDING: Final = "recording"
CONTENT: Final = "content"  # the recording, the transcript and the words in events
LEASE: Final = timedelta(minutes=5)
LOOK_AGAIN: Final = timedelta(hours=1)  # how late a recording may be deleted after its time
RETRY: Final = timedelta(minutes=1)

log = structlog.get_logger()


async def erase(call_id: UUID, scope: str, person: Identity, unit: UnitOfWork) -> Erasure:
    """Erase a call's recording, or with CONTENT its words too; done before, it changes nothing.

    Raises:
        CallNotFound
        Refusal: `call_live`.
    """
    async with unit:
        call = await CallStore(unit).lock(call_id)
        if call is None:
            raise CallNotFound(call_id)
        if not call.closed and call.state not in {state.value for state in TERMINAL}:
            raise Refusal("call_live", {"state": call.state})
        erasure = await _mark(call, RECORDING, "request", person.user_id, unit)
        if scope == CONTENT:
            erasure = await _mark(call, CONTENT, "request", person.user_id, unit)
        await unit.commit()
        return erasure


async def _mark(call: Call, scope: str, reason: str, asked_by: UUID | None, unit: UnitOfWork) -> Erasure:
    """Mark a locked call as erased, once. In the caller's transaction."""
    store = ErasureStore(unit)
    known = await store.get(call.id, scope)
    if known is not None:
        return known
    erasure = new_erasure(unit.org_id, call, scope, reason, asked_by)
    await store.add(erasure)
    if scope == RECORDING:
        call.recording, call.recording_fault = None, ""
        call.recording_erased_at = erasure.at
        await store.call_worker()
    else:
        call.content_erased_at = erasure.at
        await store.forget_words(call.id, BLANK)
        await NoteStore(unit).forget(call.id)
        await LeadNotes(unit).forget_call(call.id, call.lead_id)
        await VoteStore(unit).forget_comments(call.id)
        await InboxStore(unit).forget_call(call.id)
    log.info("call.erased", call_id=str(call.id), scope=scope, reason=reason)
    return erasure


async def set_retention(days: int | None, person: Identity, unit: UnitOfWork) -> None:
    """Keep the organisation's recordings for so many days after their call; None: without end."""
    async with unit:
        organisation = await DialStore(unit).organisation()
        organisation.recording_retention_days = days
        if days is not None:
            await ErasureStore(unit).call_worker()
        log.info("recordings.retention_set", days=days, asked_by=str(person.user_id))
        await unit.commit()


async def retention_of(unit: UnitOfWork) -> int | None:
    async with unit:
        return (await DialStore(unit).organisation()).recording_retention_days


# The worker's part


async def do_one_duty(sessions: Sessions, store: ObjectStore) -> bool:
    """Look through one organisation's recordings that is due; False when none is.

    Raises:
        SQLAlchemyError: Postgres away; the lease ends by itself.
    """
    leased_until = utc_now() + LEASE
    async with UnitOfWork(sessions) as unit:
        org_id = await DutyStore(unit).lease(leased_until)
        await unit.commit()
    if org_id is None:
        return False
    days, more = await _let_expire(UnitOfWork(sessions, org_id))
    done = await _remove_pending(UnitOfWork(sessions, org_id), store)
    again_in = LOOK_AGAIN if days is not None else None
    if more:
        again_in = timedelta(0)
    elif not done:
        again_in = RETRY
    async with UnitOfWork(sessions) as unit:
        await DutyStore(unit).put_back(org_id, leased_until, again_in)
        await unit.commit()
    return True


async def _let_expire(unit: UnitOfWork) -> tuple[int | None, bool]:
    """Mark recordings whose time is over; return the organisation's days, and whether there are more to mark."""
    async with unit:
        days = (await DialStore(unit).organisation()).recording_retention_days
        if days is None:
            return None, False
        found = await ErasureStore(unit).outlived(_days_ago(days))
        for call_id in found:
            call = await CallStore(unit).lock(call_id)
            if call is not None and call.recording is not None:
                await _mark(call, RECORDING, "retention", None, unit)
        await unit.commit()
        return days, bool(found)


def _days_ago(days: int) -> datetime:
    return utc_now() - timedelta(days=days)


@dataclass(frozen=True, slots=True)
class _Due:
    """A pending erasure, read."""

    org_id: UUID
    id: UUID
    call_id: UUID
    object_key: str
    uploads: int

    @classmethod
    def of(cls, erasure: Erasure) -> "_Due":
        return cls(erasure.org_id, erasure.id, erasure.call_id, erasure.object_key, erasure.uploads)


async def _remove_pending(unit: UnitOfWork, store: ObjectStore) -> bool:
    """Remove the objects of erased recordings; False when some are left for another time."""
    async with unit:
        pending = [_Due.of(erasure) for erasure in await ErasureStore(unit).pending()]
    for due in pending:
        try:
            removed = await remove_objects(store, due.org_id, due.call_id, due.object_key)
        except StoreAway:
            log.warning("erasure.store_away", call_id=str(due.call_id))
            return False
        async with unit:
            await ErasureStore(unit).settle(due.id, due.uploads, removed)
            await unit.commit()
        log.info("erasure.removed", call_id=str(due.call_id), objects=removed)
    async with unit:
        return not await ErasureStore(unit).pending()
