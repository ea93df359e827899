"""What a killed process left: journals without an end, recordings in the spool, perhaps a phone still off the hook.

At start, each journal is published again. A call in it that has no end gets one in the next epoch: failed or ended
with the reason `node_lost`, its recording uploaded, and the carrier told to hang up.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from uuid import UUID

import structlog

from events import call as events
from events.call import Outcome, State
from events.leg_events import LegAccepted, LegAnswered, LegEnded, LegPlaced
from events.permit import Purpose
from media.recording.spool import Spool, leftovers
from media.recording.store import StoreUnavailable
from telephony import journal
from telephony.call.archive import Archive, told
from telephony.call.emitter import Emitter
from telephony.carrier_port import Carrier, CarrierInDoubt
from telephony.journal import CallKey
from telephony.outbox import Outbox

log = structlog.get_logger()

SWEEP_EVERY_S: Final = 60.0
# Above any epoch that recovery counts up to: a recording that reaches the store after its call was closed.
LATE_EPOCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Recovery:
    folder: Path
    outbox: Outbox
    archive: Archive
    carrier: Carrier
    is_live: Callable[[UUID], bool]

    async def run(self) -> None:
        """Make whole what an earlier process left, then keep uploading recordings that outlived their calls."""
        journals = await asyncio.to_thread(journal.leftovers, self.folder)
        spools = {spool.meta.call_id: spool for spool in await asyncio.to_thread(leftovers, self.archive.spool_folder)}
        for key, path in journals.items():
            try:
                found = await asyncio.to_thread(journal.read, path)
            except OSError as error:
                log.error("recovery.journal_unreadable", errno=error.errno)
                continue
            await self._recover(key, found, spools.get(str(key.call_id)))
        disk_checked = False
        while True:
            disk_checked = disk_checked or await self._restore_lost()
            for spool in await asyncio.to_thread(leftovers, self.archive.spool_folder):
                if not self.is_live(UUID(spool.meta.call_id)):
                    await self._upload(spool)
            await asyncio.sleep(SWEEP_EVERY_S)

    async def _recover(self, key: CallKey, found: list[events.Event], spool: Spool | None) -> None:
        if not found:
            # Killed while the first event was being written: nothing was dialled yet.
            await asyncio.to_thread(key.path(self.folder).unlink, missing_ok=True)
            return
        self.outbox.adopt(key, found)
        if isinstance(found[-1].body, events.Closed):
            return
        log.warning("recovery.call", call_id=str(key.call_id), events=len(found))
        epilogue = Emitter(key.org_id, key.call_id, found[-1].epoch + 1, self.outbox)
        bodies = [event.body for event in found]
        if not any(isinstance(body, events.Finished) for body in bodies):
            await self._hang_up(bodies)
            for leg_end in legs_left(found):
                epilogue.emit(leg_end)
            epilogue.emit(verdict(found))
        if spool is not None:
            if any(isinstance(body, events.RecordingStored) for body in bodies):
                # Killed between saying so and tidying up.
                await asyncio.to_thread(spool.remove)
            else:
                await self.archive.store(spool, None, epilogue.emit)
        epilogue.emit(events.Closed())

    async def _hang_up(self, bodies: list[events.Body]) -> None:
        for body in bodies:
            if isinstance(body, events.CarrierAccepted | LegAccepted):
                try:
                    await self.carrier.hang_up(body.carrier_call_id)
                except CarrierInDoubt as error:
                    log.error("recovery.hang_up_failed", carrier_call_id=body.carrier_call_id, reason=str(error))

    async def _restore_lost(self) -> bool:
        """Make spools again of calls whose disk is gone; False while the store cannot say which."""
        uploader = self.archive.uploader
        try:
            for lost in await uploader.restore_lost(self.archive.spool_folder, self.is_live):
                if lost.stored is not None:
                    self._tell_late(lost.spool, told(lost.stored))
                    await self.outbox.journaled()
                    await uploader.remove_segments(lost.spool.meta)
        except (StoreUnavailable, OSError, TimeoutError) as error:
            log.warning("recovery.segments_not_checked", reason=str(error) or type(error).__name__)
            return False
        return True

    async def _upload(self, spool: Spool) -> None:
        """Upload a recording that outlived its call, and tell the CRM."""
        await self.archive.store(spool, None, lambda body: self._tell_late(spool, body), say_failure=False)

    def _tell_late(self, spool: Spool, body: events.Body) -> None:
        key = CallKey(UUID(spool.meta.org_id), UUID(spool.meta.call_id))
        epilogue = Emitter(key.org_id, key.call_id, LATE_EPOCH, self.outbox)
        epilogue.emit(body)
        epilogue.emit(events.Closed())


def legs_left(found: list[events.Event]) -> list[LegEnded]:
    """Return the ends of legs that had none: each costs up to the last that its call's journal tells."""
    answered = {event.body.leg: event.at for event in found if isinstance(event.body, LegAnswered)}
    ended = {event.body.leg for event in found if isinstance(event.body, LegEnded)}
    placed = [
        event.body.leg for event in found if isinstance(event.body, LegPlaced) and event.body.purpose is Purpose.CONSULT
    ]
    return [LegEnded(leg, "node_lost", _seconds_since(answered.get(leg), found)) for leg in placed if leg not in ended]


def _seconds_since(answered: datetime | None, found: list[events.Event]) -> int:
    return 0 if answered is None else math.ceil((found[-1].at - answered).total_seconds())


def verdict(found: list[events.Event]) -> events.Finished:
    """Return the end of a call whose process was killed, from what its journal holds."""
    answered = next((event.at for event in found if isinstance(event.body, events.Answered)), None)
    answerer = [event.body.answered_by for event in found if isinstance(event.body, events.AnswererKnown)]
    if answered is None:
        return events.Finished(State.FAILED, Outcome.SERVICE_FAILURE, reason="node_lost")
    metered = max((event.body.billable_s for event in found if isinstance(event.body, events.Metered)), default=0)
    duration_s = (found[-1].at - answered).total_seconds()
    return events.Finished(
        State.ENDED,
        _outcome(found),
        answerer[-1] if answerer else events.AnsweredBy.UNKNOWN,
        round(duration_s, 3),
        max(metered, math.ceil(duration_s)),
        "node_lost",
    )


def _outcome(found: list[events.Event]) -> Outcome:
    """What had been decided before the process died stands."""
    kinds = {event.body.kind for event in found if isinstance(event.body, events.FactNoted)}
    if events.FactKind.OPTED_OUT in kinds:
        return Outcome.OPTED_OUT
    if events.FactKind.MEETING_BOOKED in kinds:
        return Outcome.GOAL_REACHED
    if events.FactKind.CALLBACK_REQUESTED in kinds:
        return Outcome.CALLBACK_REQUESTED
    return Outcome.SERVICE_FAILURE
