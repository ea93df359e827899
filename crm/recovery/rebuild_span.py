"""Rebuilds the calls of a span of time, each in a transaction of its own, and tells the audit log what changed."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

import structlog

from crm.audit.store import AuditStore
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.database import Sessions, utc_now
from crm.recovery.rebuild import CannotRead, NothingStored, Part, Rebuilt, rebuild_call
from crm.recovery.rebuild_store import RebuildStore
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

ACTION: Final = "POST /internal/organisations/{org_id}/events/rebuild"
# In the audit log: nobody of the organisation, but whoever runs the installation.
OPERATOR_ID: Final = UUID(int=0)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which calls: those of which events were stored from `since` to before `until`, or one."""

    since: datetime | None = None
    until: datetime | None = None
    call_id: UUID | None = None
    after: UUID | None = None  # where the part before ended
    limit: int = 20  # calls of one part
    calls_decide: bool = False  # see rebuild_call
    dry_run: bool = False  # find out what would change, and keep nothing


@dataclass(slots=True)
class RebuiltSpan:
    calls: int = 0
    changed: Counter[Part] = field(default_factory=Counter)  # rows
    calls_changed: int = 0
    missing: int = 0  # events that never were applied
    leads_left: int = 0
    untouched: int = 0  # calls without events, or with some that cannot be read
    next: UUID | None = None  # where the rest begins (`after`); None: it is over


async def rebuild_span(wanted: Wanted, sessions: Sessions, org_id: UUID) -> RebuiltSpan:
    """Rebuild one part of the calls.

    Raises:
        CallNotFound: the organisation has no such call.
        SQLAlchemyError: Postgres away; asked again it does the rest.
    """
    made = RebuiltSpan()
    if wanted.call_id is not None:
        calls = [wanted.call_id]
    else:
        async with UnitOfWork(sessions, org_id) as unit:
            calls = await RebuildStore(unit).calls(wanted.since, wanted.until, wanted.after, wanted.limit)
        made.next = calls[-1] if len(calls) == wanted.limit else None
    for call_id in calls:
        made.calls += 1
        try:
            _count(made, await _rebuild_one(call_id, wanted, UnitOfWork(sessions, org_id)))
        except (NothingStored, CannotRead) as fault:
            log.warning("call.not_rebuilt", call_id=str(call_id), why=type(fault).__name__)
            made.untouched += 1
    return made


async def _rebuild_one(call_id: UUID, wanted: Wanted, unit: UnitOfWork) -> Rebuilt:
    async with unit:
        call = await CallStore(unit).lock(call_id)
        if call is None:
            raise CallNotFound(call_id)
        rebuilt = await rebuild_call(call, unit, calls_decide=wanted.calls_decide)
        if rebuilt.changed and not wanted.dry_run:
            await AuditStore(unit).put([_entry(call_id, wanted, rebuilt, unit.org_id)])
            await unit.commit()
            log.info("call.rebuilt", call_id=str(call_id), **_told(rebuilt.changed))
        return rebuilt


def _count(made: RebuiltSpan, rebuilt: Rebuilt) -> None:
    made.changed.update(rebuilt.changed)
    made.calls_changed += bool(rebuilt.changed)
    made.missing += rebuilt.missing
    made.leads_left += rebuilt.lead_left


def _told(changed: Mapping[Part, int]) -> dict[str, int]:
    return {part.value: rows for part, rows in changed.items()}


def _entry(call_id: UUID, wanted: Wanted, rebuilt: Rebuilt, org_id: UUID) -> dict[str, Any]:
    moments = {"from": wanted.since, "until": wanted.until}
    asked = {name: moment.isoformat() for name, moment in moments.items() if moment is not None}
    return {
        "org_id": org_id,
        "id": new_id(),
        "at": utc_now().isoformat(),
        "user_id": OPERATOR_ID,
        "key_id": None,
        "action": ACTION,
        "status": 200,
        "target": {"call_id": str(call_id)},
        "asked": {**asked, "calls_decide": wanted.calls_decide, "changed": _told(rebuilt.changed)},
        "changes": [],
        "address": "",
        "agent": "",
        "request_id": "",
    }
