"""The worker's nightly comparison of what we counted with what vendors say (S30).

A day is compared some hours after its end, vendors being late, and again when it differs or could not be had. What
could not be had stays `not_reconciled`, with the reason: no figure is ever made up for it.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError

from agent.llm.registry import VENDORS
from crm.database import Sessions, utc_now
from crm.unit_of_work import UnitOfWork
from crm.usage.model import AGREES, DIFFERS, NOT_RECONCILED, Reconciliation, UsageDay
from crm.usage.report import (
    FILE_BYTES_MAX,
    BadReport,
    Report,
    ReportUnavailable,
    UsageReports,
    file_names,
    is_apart,
    read_report,
    share_apart,
)

READY_AFTER: Final = timedelta(hours=6)  # the end of the day: before, vendors' reports grow still
DAYS_BACK: Final = 7  # a day that is older stays as it stands
LOOK_EVERY_S: Final = 60.0
LEASE: Final = timedelta(minutes=5)
RETRY: Final = timedelta(hours=1)  # of a report that could not be had
LOOK_AGAIN: Final = timedelta(hours=6)  # at one that differs: it may have been late
LATE_DAYS: Final = 3  # a report that has not caught up by then will not
NO_REPORT: Final = "no_report"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sources:
    """Where reports come from. A file goes before the vendor's interface: somebody has put it there."""

    vendors: Mapping[str, UsageReports] = field(default_factory=dict)
    folder: Path | None = None
    share_max: float = 0.05  # what may be apart, of the larger count


async def reconcile_one(sessions: Sessions, sources: Sources, now: datetime | None = None) -> bool:
    """Compare one vendor's day that is due; False when none is.

    Raises:
        SQLAlchemyError: Postgres away; the lease ends by itself.
    """
    now = now or utc_now()
    async with UnitOfWork(sessions) as unit:
        await _find_days(unit, sources, now)
        due = await _lease(unit, now)
        await unit.commit()
    if due is None:
        return False
    day, vendor = due
    report, reason = await _report(vendor, day, sources)
    async with UnitOfWork(sessions) as unit:
        row = await unit.session.get_one(Reconciliation, (day, vendor), with_for_update=True)
        before = row.state if row.tries else ""
        row.our_requests, row.our_tokens, row.our_estimated_tokens = await _ours(unit, day, vendor)
        _settle(row, report, reason, sources.share_max, now)
        state, difference = row.state, row.difference
        await unit.commit()
    told = {"day": day.isoformat(), "provider": vendor}
    if state == before:
        return True
    if state == DIFFERS:
        log.warning("usage.differs", **told, share=round(difference or 0.0, 4))
    elif state == NOT_RECONCILED:
        log.warning("usage.not_reconciled", **told, reason=reason)
    else:
        log.info("usage.agrees", **told)
    return True


async def reconcile_until(stop: asyncio.Event, sessions: Sessions, sources: Sources) -> None:
    """Compare what is due, now and again, until told to stop."""
    away = False
    while not stop.is_set():
        try:
            while not stop.is_set() and await reconcile_one(sessions, sources):
                pass
            away = False
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            if not away:
                log.warning("usage.paused", error=type(error).__name__)
            away = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LOOK_EVERY_S):
                await stop.wait()


async def list_reconciliations(sessions: Sessions, days: int) -> Sequence[Reconciliation]:
    """Return those of the last `days`, the newest first."""
    since = utc_now().date() - timedelta(days=days)
    async with UnitOfWork(sessions) as unit:
        newest = select(Reconciliation).where(Reconciliation.day >= since)
        return (await unit.session.scalars(newest.order_by(Reconciliation.day.desc(), Reconciliation.vendor))).all()


def _settle(row: Reconciliation, report: Report | None, reason: str, share_max: float, now: datetime) -> None:
    row.checked_at = now
    row.tries += 1
    too_old = row.day < now.date() - timedelta(days=DAYS_BACK)
    if report is None:
        # What an earlier try has found stands.
        if row.their_tokens is None:
            row.state, row.reason = NOT_RECONCILED, reason
        row.next_try_at = None if too_old else now + RETRY
        return
    row.reason = ""
    row.their_requests, row.their_tokens = report.requests, report.tokens
    row.difference = share_apart(row.our_tokens, report.tokens)
    row.state = DIFFERS if is_apart(row.our_tokens, report.tokens, share_max) else AGREES
    again = row.state == DIFFERS and row.day >= now.date() - timedelta(days=LATE_DAYS)
    row.next_try_at = now + LOOK_AGAIN if again else None


async def _find_days(unit: UnitOfWork, sources: Sources, now: datetime) -> None:
    """Have a row for each vendor's day that is over: where we counted, and where a vendor can be asked."""
    last = (now - READY_AFTER).date() - timedelta(days=1)
    vendor = func.split_part(UsageDay.model, ":", 1)
    counted = select(UsageDay.day, vendor).where(
        UsageDay.day <= last, UsageDay.day > last - timedelta(days=DAYS_BACK), UsageDay.own_key.is_(False)
    )
    found = {(day, name) for day, name in await unit.session.execute(counted.distinct()) if name in VENDORS}
    found |= {(last, name) for name in sources.vendors}
    if found:
        rows = [
            {"day": day, "vendor": name, "state": NOT_RECONCILED, "next_try_at": now} for day, name in sorted(found)
        ]
        await unit.session.execute(insert(Reconciliation).values(rows).on_conflict_do_nothing())


async def _lease(unit: UnitOfWork, now: datetime) -> tuple[date, str] | None:
    chosen = (
        select(Reconciliation.day, Reconciliation.vendor)
        .where(Reconciliation.next_try_at <= now)
        .order_by(Reconciliation.next_try_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    due = (await unit.session.execute(chosen)).one_or_none()
    if due is None:
        return None
    mine = (Reconciliation.day == due.day, Reconciliation.vendor == due.vendor)
    await unit.session.execute(update(Reconciliation).where(*mine).values(next_try_at=now + LEASE))
    return due.day, due.vendor


async def _ours(unit: UnitOfWork, day: date, vendor: str) -> tuple[int, int, int]:
    """Return requests, tokens, and the estimated ones among these, on the operator's account."""
    sums = select(
        func.coalesce(func.sum(UsageDay.requests), 0),
        func.coalesce(func.sum(UsageDay.prompt_tokens + UsageDay.completion_tokens), 0),
        func.coalesce(func.sum(UsageDay.estimated_tokens), 0),
    ).where(UsageDay.day == day, UsageDay.own_key.is_(False), UsageDay.model.startswith(f"{vendor}:", autoescape=True))
    requests, tokens, estimated = (await unit.session.execute(sums)).one()
    return int(requests), int(tokens), int(estimated)


async def _report(vendor: str, day: date, sources: Sources) -> tuple[Report | None, str]:
    """Return the report, or why there is none."""
    try:
        if sources.folder is not None:
            report = await asyncio.to_thread(_from_file, sources.folder, vendor, day)
            if report is not None:
                return report, ""
        if vendor not in sources.vendors:
            return None, NO_REPORT
        return await sources.vendors[vendor].of_day(day), ""
    except BadReport as error:
        return None, f"bad_report: {error}"[:300]
    except ReportUnavailable as error:
        return None, f"report_away: {error}"
    except OSError as error:
        return None, f"bad_report: {type(error).__name__}"


def _from_file(folder: Path, vendor: str, day: date) -> Report | None:
    """Raises BadReport, OSError."""
    for name in file_names(vendor, day):
        path = folder / name
        if path.is_file():
            with path.open("rb") as file:
                return read_report(file.read(FILE_BYTES_MAX + 1), path.suffix)
    return None
