"""Consents in the database, of the unit's organisation."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import or_, select

from crm.consents.model import Channel, Consent, Said
from crm.unit_of_work import UnitOfWork


class ConsentStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def latest(self, channel: Channel, address: str) -> Consent | None:
        """Return the word that holds for an address: what was said last."""
        statement = select(Consent).where(
            Consent.org_id == self._org_id, Consent.channel == channel.value, Consent.address == address
        )
        newest = statement.order_by(Consent.said_at.desc(), Consent.id.desc()).limit(1)
        return (await self._session.scalars(newest)).one_or_none()

    async def is_refused(self, channel: Channel, address: str) -> bool:
        word = await self.latest(channel, address)
        return word is not None and word.said == Said.REFUSED

    async def history(self, lead_id: UUID, addresses: Sequence[str], most: int) -> Sequence[Consent]:
        """Return what was said of these addresses or recorded for that lead, newest first."""
        statement = select(Consent).where(
            Consent.org_id == self._org_id, or_(Consent.lead_id == lead_id, Consent.address.in_(addresses))
        )
        return (
            await self._session.scalars(statement.order_by(Consent.said_at.desc(), Consent.id.desc()).limit(most))
        ).all()
