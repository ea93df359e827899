"""What happened in the CRM, told to whoever listens: webhooks, automations, consoles.

An event is written by the transaction that makes it true. Listeners get it after that has committed: at least once,
each organisation's in the order in which they were written as far as they had committed by then, and what waits when
the worker was away first.
"""

from collections.abc import Mapping
from typing import Any, Protocol
from uuid import UUID

from crm.unit_of_work import UnitOfWork


class Outbox(Protocol):
    async def emit(self, unit: UnitOfWork, kind: str, body: Mapping[str, Any]) -> UUID:
        """Write an event of the unit's organisation, in its transaction, which is entered; return the event's id.

        Args:
            kind: folder, dot, past participle: "lead.created". A contract with listeners, as codes of refusals are.
            body: JSON. What listeners outside may be sent; ids first, then what changed. No secrets, and no words
                of a call: those are erased on request, an event that was sent is not.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: the transaction is lost, and the event with it.
        """
        ...
