"""Leads and their tasks in the database, of the unit's organisation."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, or_, select, update

from crm.calls.model import Call
from crm.consents.model import Channel, refusal_of_calls
from crm.consents.store import ConsentStore
from crm.duplicates.model import Merge
from crm.identity.model import Member
from crm.leads.model import DEFAULT_STATUS, Lead, Task
from crm.leads.progress import DO_NOT_CALL
from crm.unit_of_work import UnitOfWork


class LeadStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id
        self._consents = ConsentStore(unit)

    async def get(self, lead_id: UUID) -> Lead | None:
        return await self._session.get(Lead, (self._org_id, lead_id))

    async def lock(self, lead_id: UUID) -> Lead | None:
        """Return the lead as it is now, and keep others from changing it until this transaction ends."""
        statement = select(Lead).where(Lead.org_id == self._org_id, Lead.id == lead_id).with_for_update()
        return (await self._session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()

    async def newest_with_phone(self, phone: str) -> Lead | None:
        statement = select(Lead).where(Lead.org_id == self._org_id, Lead.phone == phone)
        return (await self._session.scalars(statement.order_by(Lead.created_at.desc()).limit(1))).one_or_none()

    async def is_do_not_call(self, phone: str) -> bool:
        """Say whether anybody of that number asked not to be called, under whichever lead, or refused with proof."""
        listed = exists().where(Lead.org_id == self._org_id, Lead.phone == phone, Lead.do_not_call)
        if await self._session.scalar(select(listed)):
            return True
        return await self.refused_calls(phone)

    async def refused_calls(self, phone: str) -> bool:
        """Say whether the last that is on record for the number, with proof, is a refusal."""
        return await self._consents.is_refused(Channel.PHONE, phone)

    async def allow_calling(self, phone: str, at: datetime) -> None:
        """Take the mark off every lead of that number: whoever refused has granted since, with proof."""
        await self._session.execute(
            update(Lead)
            .where(Lead.org_id == self._org_id, Lead.phone == phone, Lead.do_not_call)
            .values(do_not_call=False, do_not_call_at=None, status=DEFAULT_STATUS, updated_at=at)
        )

    async def stop_calling(self, phone: str, at: datetime, call_id: UUID | None = None) -> None:
        """Mark every lead of that number as not to be called; what was said in a call is kept as a refusal too.

        A number that was withheld is nobody's that could be found by it.
        """
        if not phone:
            return
        if call_id is not None:
            self.keep_refusal(phone, at, call_id)
        await self._session.execute(
            update(Lead)
            .where(Lead.org_id == self._org_id, Lead.phone == phone, ~Lead.do_not_call)
            .values(do_not_call=True, do_not_call_at=at, status=DO_NOT_CALL, next_step="", updated_at=at)
        )

    def keep_refusal(self, phone: str, at: datetime, call_id: UUID) -> None:
        """Keep, with its proof, that whoever has the number said in a call not to be called."""
        self._session.add(refusal_of_calls(self._org_id, phone, at, "call", "said in the call", call_id=call_id))

    async def has_member(self, user_id: UUID) -> bool:
        return await self._session.get(Member, (self._org_id, user_id)) is not None

    async def has_calls(self, lead_id: UUID) -> bool:
        called = exists().where(Call.org_id == self._org_id, Call.lead_id == lead_id)
        return bool(await self._session.scalar(select(called)))

    async def remove(self, lead: Lead) -> None:
        """Delete it with what hangs on it by foreign key, and with merges, which keep whole leads."""
        of_lead = or_(Merge.kept_id == lead.id, Merge.gone_id == lead.id)
        await self._session.execute(delete(Merge).where(Merge.org_id == self._org_id, of_lead))
        await self._session.delete(lead)

    async def tasks_of(self, lead_id: UUID) -> Sequence[Task]:
        statement = select(Task).where(Task.org_id == self._org_id, Task.lead_id == lead_id)
        return (await self._session.scalars(statement.order_by(Task.created_at))).all()
