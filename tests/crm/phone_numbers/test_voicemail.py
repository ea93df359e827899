"""Whose a caller's message is."""

from uuid import UUID

import pytest
from sqlalchemy import select

from crm.calls.model import Call
from crm.database import Sessions
from crm.identity.model import Member, MemberStatus
from crm.leads.model import Lead, Task
from crm.mail.model import PostedLetter
from crm.phone_numbers.usecases import NumberFields, add_number
from crm.phone_numbers.voicemail import take_voicemail
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.call import MessageTaken
from events.incoming import IncomingQuestion
from tests.crm.conftest import NUMBER, Org
from tests.crm.phone_numbers.ringing import our_number


async def left(org: Org, sessions: Sessions, resources: Resources) -> tuple[UUID | None, list[str]]:
    """Leave a message of 4 s; return whose task it is, and who gets a letter."""
    question = IncomingQuestion("node-a", "twilio", "CA1", our_number(org), NUMBER)
    taken = await resources.reception.take(question)
    async with UnitOfWork(sessions, org.id) as unit:
        call = await unit.session.get_one(Call, (org.id, taken.call_id))
        await take_voicemail(MessageTaken(3_000, 7_000), call, unit)
        await unit.commit()
    async with UnitOfWork(sessions, org.id) as unit:
        (task,) = await unit.session.scalars(select(Task).where(Task.org_id == org.id, Task.kind == "voicemail"))
        letters = await unit.session.scalars(select(PostedLetter).where(PostedLetter.org_id == org.id))
        assert (task.lead_id, task.call_id, task.title) == (org.lead_id, call.id, "Listen to the message of Dana")
        return task.assignee_id, [letter.to_address for letter in letters if "4 s" in letter.text]


@pytest.mark.parametrize(
    ("of_number", "of_lead", "suspended"),
    [(True, False, False), (False, True, False), (False, False, False), (True, False, True)],
)
async def test_it_is_the_numbers_persons_else_the_leads_owners(
    org: Org, sessions: Sessions, resources: Resources, of_number: bool, of_lead: bool, suspended: bool
) -> None:
    user_id = org.user_id if of_number else None
    await add_number(our_number(org), NumberFields(user_id=user_id), UnitOfWork(sessions, org.id))
    async with UnitOfWork(sessions, org.id) as unit:
        if of_lead:
            (await unit.session.get_one(Lead, (org.id, org.lead_id))).owner_id = org.user_id
        if suspended:
            member = await unit.session.get_one(Member, (org.id, org.user_id))
            member.status = MemberStatus.SUSPENDED.value
        await unit.commit()
    somebody = of_number or of_lead
    assert await left(org, sessions, resources) == (
        org.user_id if somebody else None,
        [org.email] if somebody and not suspended else [],
    )
