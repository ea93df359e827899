"""Calling hours through the API, and what they do to dials."""

from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from crm.compliance.calling_hours import keep_hours, timing_for
from crm.compliance.hours import CAUTIOUS, When, hours_json
from crm.compliance.model import Decision
from crm.database import Sessions, utc_now
from crm.leads.model import Lead
from crm.permissions import Role
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from tests.crm.conftest import NUMBER, Org, become
from tests.crm.fake_node import FakeNode
from tests.crm.test_api import data, problem

PATH = "/api/settings/calling-hours"
ALL_DAY = "00:00-24:00"
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


async def other_days_only(api: httpx.AsyncClient, zone_day: datetime) -> None:
    """Close today where the callee is, and the days beside it, so that no midnight matters."""
    today = zone_day.weekday()
    week = {name: ALL_DAY for day, name in enumerate(DAYS) if (day - today) % 7 not in (0, 1, 6)}
    data(await api.put(PATH, json={"week": week}))


async def test_the_operators_hours_hold_until_others_are_set(api: httpx.AsyncClient) -> None:
    data_then = data(await api.get(PATH))
    assert data_then == {"week": dict.fromkeys(DAYS, ALL_DAY), "holidays": [], "own": True}, "as tests have it"
    assert (await api.delete(PATH)).status_code == 204
    assert data(await api.get(PATH)) == hours_json(CAUTIOUS) | {"own": False}
    body = {"week": {"monday": "08:00-12:30"}, "holidays": ["2026-12-25"]}
    assert data(await api.put(PATH, json=body)) == body | {"own": True}
    assert data(await api.get(PATH)) == body | {"own": True}


@pytest.mark.parametrize(
    "body",
    [
        {"week": {}},
        {"week": {"mon": ALL_DAY}},
        {"week": {"monday": "21:00-09:00"}},
        {"week": {"monday": "9-5"}},
        {"week": {"monday": ALL_DAY}, "holidays": ["Christmas"]},
        {"week": {"monday": ALL_DAY}, "time_zone": "UTC"},
        {"holidays": []},
    ],
)
async def test_hours_that_make_no_sense_are_refused(api: httpx.AsyncClient, body: dict[str, Any]) -> None:
    fields = problem(await api.put(PATH, json=body), 400, "invalid_request")["fields"]
    assert fields[0]["field"].startswith("body")


async def test_hours_are_for_who_may_set_them(api: httpx.AsyncClient, org: Org, resources: Resources) -> None:
    await become(Role.REP, org, resources)
    problem(await api.put(PATH, json={"week": {"monday": ALL_DAY}}), 403, "forbidden")
    problem(await api.delete(PATH), 403, "forbidden")


async def test_a_call_outside_the_hours_is_refused_with_when_it_may_be(
    api: httpx.AsyncClient, org: Org, node: FakeNode, sessions: Sessions
) -> None:
    await other_days_only(api, utc_now())
    details = problem(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 409, "outside_calling_hours")
    assert details["reasons"] == ["outside_calling_hours"]
    assert details["zones"] == ["America/New_York"]
    assert datetime.fromisoformat(details["opens_at"]) > utc_now()
    assert not node.orders, "no node was asked"
    async with UnitOfWork(sessions, org.id) as unit:
        kept = (await unit.session.scalars(select(Decision).where(Decision.org_id == org.id))).one()
        assert (kept.allowed, kept.reasons) == (False, ["outside_calling_hours"])
        assert kept.inputs["timing"] == {"when": "closed"} | {name: details[name] for name in ("zones", "opens_at")}


async def test_a_zone_that_this_machine_does_not_know_is_refused(
    api: httpx.AsyncClient, org: Org, node: FakeNode, sessions: Sessions
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        # Its name was good when it was chosen.
        (await unit.session.get_one(Lead, (org.id, org.lead_id))).time_zone = "Atlantis/Deep"
        await unit.commit()
    details = problem(await api.post("/api/calls", json={"lead_id": str(org.lead_id)}), 409, "time_zone_unknown")
    assert (details["reasons"], details["zones"]) == (["time_zone_unknown"], ["Atlantis/Deep"])
    assert not node.orders


async def test_a_persons_choice_goes_before_the_number(sessions: Sessions, org: Org) -> None:
    noon_in_tokyo = datetime.fromisoformat("2026-01-16T12:00:00+09:00")
    async with UnitOfWork(sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, org.lead_id))
        await keep_hours(None, unit)
        asked = (NUMBER, lead, CAUTIOUS, noon_in_tokyo, unit)
        assert (await timing_for(*asked)).when is When.CLOSED, "evening in New York"
        lead.time_zone = "Asia/Tokyo"
        assert (await timing_for(*asked)).when is When.OPEN
        lead.time_zone = "Atlantis/Deep"
        assert (await timing_for(*asked)).when is When.UNKNOWN
        lead.time_zone = ""
        free = await timing_for("+18005551212", lead, CAUTIOUS, noon_in_tokyo, unit)
        assert len(free.zones) > 2
        assert free.when is When.CLOSED
        assert (await timing_for("+80012345678", None, CAUTIOUS, noon_in_tokyo, unit)).when is not When.OPEN
