"""An organisation's calling hours, kept in its settings, and what they say of a lead at a moment."""

from datetime import datetime
from typing import Any, Final

from crm.compliance.hours import CallingHours, Timing, hours_json, hours_of, timing_of
from crm.identity.model import Organisation
from crm.leads.model import Lead
from crm.leads.phones import zones_of_number
from crm.unit_of_work import UnitOfWork

SETTING: Final = "calling_hours"


async def own_hours(unit: UnitOfWork) -> CallingHours | None:
    """Return what the organisation set, in a transaction that is open; None: the operator's hours hold."""
    organisation = await unit.session.get_one(Organisation, unit.org_id)
    kept: dict[str, Any] | None = organisation.settings.get(SETTING)
    return None if kept is None else hours_of(kept)


async def keep_hours(hours: CallingHours | None, unit: UnitOfWork) -> None:
    """Set them, in a transaction that is open; None: the operator's hold from now on. Calls in progress go on."""
    organisation = await unit.session.get_one(Organisation, unit.org_id)
    rest = {name: value for name, value in organisation.settings.items() if name != SETTING}
    organisation.settings = rest if hours is None else rest | {SETTING: hours_json(hours)}


async def timing_for(number: str, lead: Lead | None, default: CallingHours, now: datetime, unit: UnitOfWork) -> Timing:
    """Return whether that number may be called now, in a transaction that is open.

    The zone that a person chose for the lead holds; without one, all zones that the number may be in.
    """
    zones = (lead.time_zone,) if lead is not None and lead.time_zone else zones_of_number(number)
    return timing_of(await own_hours(unit) or default, zones, now)
