"""Who is told what happens in the CRM; one line a listener.

Each takes an event in the transaction that marks it as handed out: what a listener writes there is written once.
One that fails is tried again with all others of that event, so none does more than write.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from crm.billing.alerts import watch_event
from crm.inbox.delivering import send_message
from crm.outbox.model import OutboxEvent
from crm.scoring.listening import score_sender
from crm.unit_of_work import UnitOfWork
from crm.webhooks.delivering import take_event

Listener = Callable[[UnitOfWork, OutboxEvent], Awaitable[None]]

LISTENERS: Final[tuple[Listener, ...]] = (watch_event, take_event, send_message, score_sender)
