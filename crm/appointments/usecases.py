"""Meetings: the hours in which they can be, booking one, listing and cancelling them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import select

from crm.appointments.model import BOOKED, CANCELLED, Appointment
from crm.appointments.slots import DAYS_AHEAD, Hours, NoSlot, free_slots, why_not
from crm.identity.model import Organisation
from crm.leads.model import Lead
from crm.one_at_a_time import queue_up
from crm.refusals import Refusal
from crm.scoring.jobs import ask_for_scores
from crm.unit_of_work import UnitOfWork

SETTING: Final = "booking"
LISTED_MAX: Final = 500
OFFERED_MAX: Final = 6
# Any number that nobody else uses; with the organisation's: one booking of it at a time.
BOOKING_LOCK: Final = 7_351
_LONGEST: Final = timedelta(days=1)


class AppointmentNotFound(Refusal):
    def __init__(self, appointment_id: UUID) -> None:
        super().__init__("appointment_not_found", {"appointment_id": str(appointment_id)})


async def read_hours(unit: UnitOfWork) -> Hours:
    """Return the organisation's hours, in a transaction that is open."""
    organisation = await unit.session.get_one(Organisation, unit.org_id)
    kept: dict[str, Any] | None = organisation.settings.get(SETTING)
    if kept is None:
        return Hours()
    return Hours(
        days=frozenset(kept["days"]),
        opens=time.fromisoformat(kept["opens"]),
        closes=time.fromisoformat(kept["closes"]),
        minutes=kept["minutes"],
        at_once=kept["at_once"],
        notice_minutes=kept["notice_minutes"],
        time_zone=kept["time_zone"],
    )


async def zone_of(lead: Lead, unit: UnitOfWork) -> ZoneInfo:
    """Return the lead's time zone, and the organisation's where it has none that is known."""
    try:
        return ZoneInfo(lead.time_zone or (await read_hours(unit)).time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return (await read_hours(unit)).zone


async def set_hours(hours: Hours, unit: UnitOfWork) -> None:
    """Set when meetings may be. What is booked already stays."""
    async with unit:
        organisation = await unit.session.get_one(Organisation, unit.org_id)
        kept = asdict(hours) | {
            "days": sorted(hours.days),
            "opens": hours.opens.isoformat("minutes"),
            "closes": hours.closes.isoformat("minutes"),
        }
        organisation.settings = organisation.settings | {SETTING: kept}
        await unit.commit()


async def find(unit: UnitOfWork, first: date | None, now: datetime) -> list[datetime]:
    """Return the next free slots from that day on, or from today, in a transaction that is open."""
    hours = await read_hours(unit)
    day = first or now.astimezone(hours.zone).date()
    begins = datetime.combine(day, time(), hours.zone)
    taken = await _taken(unit, begins - _LONGEST, begins + timedelta(days=DAYS_AHEAD + 1))
    return free_slots(hours, day, taken, now, OFFERED_MAX)


async def book(
    unit: UnitOfWork, lead: Lead, at: datetime, title: str, call_id: UUID | None, now: datetime
) -> Appointment | NoSlot:
    """Book a meeting, or say why not; in a transaction that is open. A booked one of the lead's is moved."""
    # Until this transaction ends, so that two calls never get the last slot both.
    await queue_up(BOOKING_LOCK, unit)
    hours = await read_hours(unit)
    own = await _coming(unit, lead.id, now)
    taken = await _taken(unit, at - _LONGEST, at + _LONGEST)
    for appointment in own:
        if appointment.starts_at in taken:
            taken.remove(appointment.starts_at)
    fault = why_not(hours, at, taken, now)
    if fault is not None:
        return fault
    for appointment in own:
        appointment.status = CANCELLED
    made = Appointment(
        org_id=unit.org_id, lead_id=lead.id, call_id=call_id, starts_at=at, minutes=hours.minutes, title=title
    )
    unit.session.add(made)
    await unit.session.flush()
    await ask_for_scores(unit, lead.id)
    return made


async def coming_of(unit: UnitOfWork, lead_id: UUID, now: datetime) -> Sequence[Appointment]:
    """Return a lead's meetings that are ahead, in a transaction that is open."""
    return await _coming(unit, lead_id, now)


async def list_appointments(unit: UnitOfWork, begins: datetime, ends: datetime) -> Sequence[Appointment]:
    async with unit:
        statement = (
            select(Appointment)
            .where(Appointment.org_id == unit.org_id, Appointment.starts_at >= begins, Appointment.starts_at < ends)
            .order_by(Appointment.starts_at, Appointment.id)
            .limit(LISTED_MAX)
        )
        return (await unit.session.scalars(statement)).all()


async def cancel(appointment_id: UUID, unit: UnitOfWork) -> Appointment:
    """Cancel a meeting; one that is cancelled already stays so. Raises AppointmentNotFound."""
    async with unit:
        found = await unit.session.get(Appointment, (unit.org_id, appointment_id))
        if found is None:
            raise AppointmentNotFound(appointment_id)
        found.status = CANCELLED
        await ask_for_scores(unit, found.lead_id)
        await unit.commit()
        return found


async def _taken(unit: UnitOfWork, begins: datetime, ends: datetime) -> list[datetime]:
    statement = select(Appointment.starts_at).where(
        Appointment.org_id == unit.org_id,
        Appointment.status == BOOKED,
        Appointment.starts_at >= begins,
        Appointment.starts_at < ends,
    )
    return list((await unit.session.scalars(statement)).all())


async def _coming(unit: UnitOfWork, lead_id: UUID, now: datetime) -> Sequence[Appointment]:
    statement = select(Appointment).where(
        Appointment.org_id == unit.org_id,
        Appointment.lead_id == lead_id,
        Appointment.status == BOOKED,
        Appointment.starts_at >= now,
    )
    return (await unit.session.scalars(statement.order_by(Appointment.starts_at))).all()
