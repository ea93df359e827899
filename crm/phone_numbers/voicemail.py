"""A message that a caller has left: a task for whose it is, and a letter that says so."""

from typing import Final

from sqlalchemy import select

from crm.calls.model import Call
from crm.identity.model import Member, MemberStatus, User
from crm.leads.model import Lead, Task
from crm.leads.store import LeadStore
from crm.mail.port import Letter
from crm.mail.posting import MAIL
from crm.phone_numbers.store import NumberStore
from crm.unit_of_work import UnitOfWork
from events.call import MessageTaken

VOICEMAIL_KIND: Final = "voicemail"


async def take_voicemail(message: MessageTaken, call: Call, unit: UnitOfWork) -> None:
    """Give somebody the message to listen to, in the caller's transaction: the number's person, else the lead's.

    Where there is neither, the task is whoever's works the lead, and nobody gets a letter.
    """
    lead = await LeadStore(unit).get(call.lead_id)
    assert lead is not None, "a call's lead outlives it"
    number = await NumberStore(unit).named(call.our_number)
    user_id = (number.user_id if number is not None else None) or lead.owner_id
    unit.session.add(
        Task(
            org_id=unit.org_id,
            lead_id=lead.id,
            call_id=call.id,
            kind=VOICEMAIL_KIND,
            title=f"Listen to the message of {lead.name}",
            assignee_id=user_id,
        )
    )
    if user_id is None:
        return
    active = (Member.org_id == unit.org_id, Member.user_id == user_id, Member.status == MemberStatus.ACTIVE.value)
    email = await unit.session.scalar(select(User.email).join(Member, Member.user_id == User.id).where(*active))
    if email is not None:
        await MAIL.send(unit, _letter(email, lead, call, message), key=f"voicemail:{call.id}")


def _letter(email: str, lead: Lead, call: Call, message: MessageTaken) -> Letter:
    seconds = max(1, round((message.ended_ms - message.began_ms) / 1000))
    return Letter(
        email,
        "A message was left for you",
        f"{_one_line(lead.name)} called {call.our_number} and left a message of {seconds} s.\n"
        "It stands in the lead's timeline, with its recording and its words.\n",
    )


def _one_line(name: str) -> str:
    return " ".join(name.split())
