"""What becomes of a message that an agent promised in a call: a message in the lead's inbox, or a task for a person.

Mail goes out by itself. What nothing here carries yet is written down too, and a person is told to send it.
"""

from typing import Final

from crm.calls.model import Call
from crm.inbox.channels import Channel, Delivery, Direction, Role, delivery_of
from crm.inbox.model import Conversation, Message
from crm.inbox.store import InboxStore
from crm.inbox.writing import NewMessage, address_for, write
from crm.leads.model import Lead, Task
from crm.leads.store import LeadStore
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.call import MessageRequested

NAMES: Final = {"sms": "SMS", "whatsapp": "WhatsApp message", "email": "e-mail"}


async def keep_promise(promise: MessageRequested, call: Call, unit: UnitOfWork) -> None:
    """Queue the message in the lead's conversation of its channel, in the transaction that applies the event."""
    # Two calls of one lead that promise at once begin one conversation.
    lead = await LeadStore(unit).lock(call.lead_id)
    assert lead is not None, "a call's lead outlives it"
    message = await _queue(promise, call, lead, unit)
    if message is None or delivery_of(Channel(message.channel), Direction.OUT) is not Delivery.MAIL:
        unit.session.add(task_to_send(promise.channel, lead, call.id, unit))


def task_to_send(channel: str, lead: Lead, call_id: object, unit: UnitOfWork) -> Task:
    """Return what has somebody send it by hand."""
    title = f"Send {lead.name} the {NAMES.get(channel, channel)} that was promised"
    return Task(org_id=unit.org_id, lead_id=lead.id, call_id=call_id, kind=f"send_{channel}", title=title)


async def _queue(promise: MessageRequested, call: Call, lead: Lead, unit: UnitOfWork) -> Message | None:
    """Return the message; None where there is nothing to say, or nobody to say it to."""
    if promise.channel not in NAMES or not promise.text.strip():
        return None
    channel = Channel(promise.channel)
    try:
        to = await address_for(lead, channel, promise.to, unit)
    except Refusal:
        # No address, or a refusal on record: a person has to see to it.
        return None
    conversation = await InboxStore(unit).open_one(lead.id, channel)
    if conversation is None:
        conversation = Conversation(org_id=unit.org_id, lead_id=lead.id, channel=channel.value)
        unit.session.add(conversation)
        await unit.session.flush()
    return await write(conversation, NewMessage(Role.ASSISTANT, promise.text, to, call_id=call.id), unit)
