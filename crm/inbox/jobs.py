"""The job that sends a message by mail.

What a mail server has taken is sent, not delivered: whether it arrived, nobody says. It is sent twice only when the
server died, or we did, between its yes and our note of it; both have one Message-ID.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from crm.calls.store import DialStore
from crm.consents.model import Channel as Reached
from crm.consents.store import ConsentStore
from crm.database import utc_now
from crm.inbox.channels import Fault, Progress
from crm.inbox.model import Conversation, Message
from crm.inbox.promises import task_to_send
from crm.inbox.store import InboxStore
from crm.inbox.writing import ids_of
from crm.jobs.backoff import tries_within
from crm.jobs.port import Args, Task
from crm.leads.store import LeadStore
from crm.mail.port import Letter
from crm.mail.post import MailRefused, MailUnavailable
from crm.outbox.emitting import OUTBOX
from crm.unit_of_work import UnitOfWork
from crm.work import Work

TRIED_FOR: Final = timedelta(hours=24)
SENT: Final = "message.sent"
FAILED: Final = "message.failed"


@dataclass(frozen=True, slots=True)
class _Due:
    letter: Letter
    late: bool  # it has been tried for long enough


async def _deliver(work: Work, args: Args) -> None:
    message_id = UUID(str(args["message_id"]))
    unit = UnitOfWork(work.sessions, UUID(str(args["org_id"])))
    due = await _take_up(message_id, unit)
    if due is None:
        return
    if not work.post.reaches:
        await _fail(message_id, Fault.NO_MAIL_SERVER, unit)
        return
    # No transaction is held open while a server thinks.
    try:
        await work.post.send(due.letter, str(message_id))
    except ValueError:
        await _fail(message_id, Fault.ADDRESS_INVALID, unit)
    except MailRefused:
        await _fail(message_id, Fault.ADDRESS_REFUSED, unit)
    except MailUnavailable:
        if not due.late:
            raise
        await _fail(message_id, Fault.MAIL_UNAVAILABLE, unit)
    else:
        await _note_sent(message_id, unit)


async def _take_up(message_id: UUID, unit: UnitOfWork) -> _Due | None:
    """Return what is to be sent; None: it was sent, is gone, or whom it is for has refused since it was written."""
    async with unit:
        message = await InboxStore(unit).message(message_id)
        if message is None or message.status != Progress.QUEUED:
            return None
        if not await ConsentStore(unit).is_refused(Reached.EMAIL, message.to_address):
            conversation = await unit.session.get_one(Conversation, (unit.org_id, message.conversation_id))
            subject = conversation.subject or (await DialStore(unit).organisation()).name
            late = utc_now() >= message.created_at + TRIED_FOR
            return _Due(Letter(message.to_address, subject, message.content), late)
    await _fail(message_id, Fault.CONSENT_REFUSED, unit)
    return None


async def _note_sent(message_id: UUID, unit: UnitOfWork) -> None:
    async with unit:
        message = await InboxStore(unit).lock_message(message_id)
        # Its words may have been erased while the server thought: it was sent all the same.
        if message is not None and message.status != Progress.SENT:
            message.status, message.fault, message.sent_at = Progress.SENT.value, "", utc_now()
            await OUTBOX.emit(unit, SENT, ids_of(message))
        await unit.commit()


async def _fail(message_id: UUID, fault: Fault, unit: UnitOfWork) -> None:
    """Note why it was not sent; what a call promised is a person's to do now."""
    async with unit:
        message = await InboxStore(unit).lock_message(message_id)
        if message is not None and message.status == Progress.QUEUED:
            message.status, message.fault = Progress.FAILED.value, fault.value
            await OUTBOX.emit(unit, FAILED, ids_of(message) | {"fault": fault.value})
            if message.call_id is not None and fault is not Fault.CONSENT_REFUSED:
                await _ask_a_person(message, unit)
        await unit.commit()


async def _ask_a_person(message: Message, unit: UnitOfWork) -> None:
    lead = await LeadStore(unit).get(message.lead_id)
    assert lead is not None, "a message goes with its lead"
    unit.session.add(task_to_send(message.channel, lead, message.call_id, unit))


# One try more than there is time for, which finds it late.
DELIVER: Final = Task("inbox.deliver", _deliver, tries_max=tries_within(int(TRIED_FOR.total_seconds())) + 1)
TASKS: Final = (DELIVER,)
