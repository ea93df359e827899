"""Dead letters of events, and what is stored beside them, in the database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, delete, exists, func, select, text, tuple_, update

from crm.calls.model import Call, CallEvent, DeadLetter
from crm.calls.store import among
from crm.unit_of_work import UnitOfWork
from events.call import Event


class DeadLetterStore:
    """Sees the letters of all organisations: whoever asks says of which. What they say is the unit's own only."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session

    async def page(
        self, org_id: UUID | None, *, call_id: UUID | None, before: UUID | None, limit: int
    ) -> Sequence[DeadLetter]:
        """Return the newest, of one organisation or of all; `before` is the id that the last page ended with."""
        asked = [*_of(org_id)]
        if call_id is not None:
            asked.append(DeadLetter.call_id == call_id)
        if before is not None:
            asked.append(DeadLetter.id < before)
        statement = select(DeadLetter).where(*asked).order_by(DeadLetter.id.desc()).limit(limit)
        return (await self._session.scalars(statement)).all()

    async def find(self, letter_id: UUID, org_id: UUID | None) -> DeadLetter | None:
        return await self._session.scalar(select(DeadLetter).where(DeadLetter.id == letter_id, *_of(org_id)))

    async def raw(self, letter_id: UUID) -> bytes | None:
        """Return what a letter of the unit's organisation says; of no organisation, with a unit of none."""
        found: bytes | None = await self._session.scalar(text("SELECT dead_letter(:id)"), {"id": letter_id})
        return found

    async def take_out(self, letter_id: UUID, org_id: UUID | None = None) -> bool:
        """Delete one; False when it is gone. Until the transaction ends nobody else gets it."""
        mine = (DeadLetter.id == letter_id, *_of(org_id))
        return await self._session.scalar(delete(DeadLetter).where(*mine).returning(DeadLetter.id)) is not None

    async def failed_again(self, letter_id: UUID, cause: str, at: datetime) -> None:
        """Note that it was tried in vain."""
        noted = {"cause": cause, "at": at, "times": DeadLetter.times + 1}
        await self._session.execute(update(DeadLetter).where(DeadLetter.id == letter_id).values(noted))

    async def count(self) -> int:
        return int(await self._session.scalar(select(func.count(DeadLetter.id))) or 0)


class StoredEvents:
    """What has been applied, of the unit's organisation."""

    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def has(self, event: Event) -> bool:
        """Say whether the event is stored."""
        place = (CallEvent.epoch == event.epoch, CallEvent.seq == event.seq)
        return bool(await self._session.scalar(select(exists().where(*self._call_of(event), *place))))

    async def any_after(self, event: Event, kinds: Sequence[str]) -> bool:
        """Say whether an event of one of those kinds is stored that came after it."""
        later = (tuple_(CallEvent.epoch, CallEvent.seq) > (event.epoch, event.seq), CallEvent.kind.in_(kinds))
        return bool(await self._session.scalar(select(exists().where(*self._call_of(event), *later))))

    async def places(self, call_ids: Sequence[UUID]) -> dict[UUID, tuple[int, int]]:
        """Return (epoch, seq) of the newest event that is applied to each of those calls that there are."""
        mine = (Call.org_id == self._org_id, among(Call.id, call_ids))
        rows = await self._session.execute(select(Call.id, Call.epoch, Call.seq).where(*mine))
        return {row.id: (row.epoch, row.seq) for row in rows}

    def _call_of(self, event: Event) -> tuple[ColumnElement[bool], ...]:
        return (CallEvent.org_id == self._org_id, CallEvent.call_id == event.call_id)


def _of(org_id: UUID | None) -> tuple[ColumnElement[bool], ...]:
    return () if org_id is None else (DeadLetter.org_id == org_id,)
