"""The demonstration organisation: people to call, an agent, credits. Safe to repeat.

The password is the caller's, or new with each seeding: one that everybody knows would open whatever database this
ran on.
"""

import asyncio
import contextlib
import secrets
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm.agents.model import Agent
from crm.billing.ledger import Ledger
from crm.compliance.calling_hours import keep_hours, own_hours
from crm.compliance.hours import ALWAYS
from crm.database import Sessions, open_engine, open_sessions
from crm.identity.hashing import hash_password
from crm.identity.model import Organisation, User
from crm.identity.store import PeopleStore
from crm.identity.usecases import NewOrganisation, found_organisation
from crm.leads.model import Lead
from crm.phone_numbers.store import owner_of
from crm.phone_numbers.usecases import NumberFields, add_number
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id
from events.money import credits_to_milli
from events.plan import RecordWhen

EMAIL: Final = "demo@salesos.local"
ORGANISATION: Final = "Northwind Energy"
SLUG: Final = "demo"
PLAYBOOK: Final = "energy_meeting"
CREDITS: Final = 5_000
PASSWORD_BYTES: Final = 12

# Numbers of the range that North America keeps for fiction: 555-0100 to 555-0199.
LEADS: Final = (
    ("Dana Whitfield", "Whitfield Bakery", "+12125550142", "America/New_York"),
    ("Marcus Oyelaran", "Corner Books", "+13125550117", "America/Chicago"),
    ("Priya Raman", "Raman Dry Cleaning", "+14155550163", "America/Los_Angeles"),
    ("Tom Albrecht", "Albrecht Hardware", "+13035550128", "America/Denver"),
    ("Lucía Ferrer", "Ferrer Flowers", "+13055550171", "America/New_York"),
    ("Grace Kim", "Kim's Laundromat", "+12065550135", "America/Los_Angeles"),
    ("Henry Osei", "Osei Barbers", "+14045550109", "America/New_York"),
    ("Anne Lindqvist", "North Star Café", "+16125550186", "America/Chicago"),
)


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    email: str
    password: str
    org_id: UUID


def seed_demo(app_url: str, password: str = "", number: str = "") -> DemoSignIn:
    """Make the demonstration organisation where it is missing, and give its person the password, or a new one.

    `number`: where it is rung up, unless somebody has it; empty: nowhere.

    Blocking; runs an event loop of its own, so it is not called inside of one.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: unreachable, or not migrated.
    """
    return asyncio.run(_seed(app_url, password, number))


async def _seed(app_url: str, password: str, number: str) -> DemoSignIn:
    engine = open_engine(app_url)
    try:
        return await seed(open_sessions(engine), password, number)
    finally:
        await engine.dispose()


async def seed(sessions: Sessions, password: str = "", number: str = "") -> DemoSignIn:
    """As seed_demo, on a pool that is there."""
    password = password or secrets.token_urlsafe(PASSWORD_BYTES)
    async with UnitOfWork(sessions) as unit:
        people = PeopleStore(unit)
        user = await people.by_email(EMAIL)
        memberships = await people.memberships(user.id) if user else ()
    password_hash = await asyncio.to_thread(hash_password, password)
    org_id = memberships[0].org_id if memberships else await _make(password_hash, sessions)
    if user is not None:
        async with UnitOfWork(sessions) as unit:
            await unit.act_as_user(user.id)
            (await unit.session.get_one(User, user.id)).password_hash = password_hash
            await unit.commit()
        async with UnitOfWork(sessions, org_id) as unit:
            # Of an earlier release: it has none yet.
            if await own_hours(unit) is None:
                await keep_hours(ALWAYS, unit)
            await unit.commit()
    if number and await owner_of(number, sessions) is None:
        with contextlib.suppress(Refusal):  # somebody has it since
            fields = NumberFields(label="The operator's own")
            await add_number(number, fields, UnitOfWork(sessions, org_id))
    return DemoSignIn(EMAIL, password, org_id)


async def _make(password_hash: str, sessions: Sessions) -> UUID:
    async with UnitOfWork(sessions, new_id()) as unit:
        await found_organisation(NewOrganisation(ORGANISATION, SLUG, "Demo Admin", EMAIL, password_hash), unit)
        await Ledger(unit).fund(credits_to_milli(CREDITS), "fund:demo")
        # Its prospects are simulated: nobody's consent is asked, the whole call can be compared with the carrier's, and
        # nobody sleeps.
        (await unit.session.get_one(Organisation, unit.org_id)).record_when = RecordWhen.ALWAYS
        await keep_hours(ALWAYS, unit)
        description = "Offers small shops a meeting about their electricity bill"
        unit.session.add(
            Agent(org_id=unit.org_id, name="Alex", type="sales", description=description, playbook=PLAYBOOK)
        )
        for name, company, phone, time_zone in LEADS:
            unit.session.add(
                Lead(org_id=unit.org_id, name=name, company=company, phone=phone, time_zone=time_zone, source="demo")
            )
        await unit.commit()
        return unit.org_id
