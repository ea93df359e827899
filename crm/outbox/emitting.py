"""The body of the port: an event is a row, and the job that hands it out is put in with it."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from crm.jobs.queue import JOBS
from crm.outbox.jobs import HAND_OUT
from crm.outbox.model import OutboxEvent
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


class PostgresOutbox:
    """Implements crm.outbox.port.Outbox."""

    async def emit(self, unit: UnitOfWork, kind: str, body: Mapping[str, Any]) -> UUID:
        """See the port."""
        event = OutboxEvent(org_id=unit.org_id, id=new_id(), kind=kind, body=dict(body))
        unit.session.add(event)
        await unit.session.flush()
        # No key: a transaction would wait at it for every other of the organisation that emits.
        await JOBS.defer(unit, HAND_OUT, {"org_id": str(unit.org_id)}, lock=f"outbox:{unit.org_id}")
        return event.id


OUTBOX: Final = PostgresOutbox()
