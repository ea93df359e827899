"""Audit entries in the database."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from crm.audit.model import AuditEntry
from crm.unit_of_work import UnitOfWork


class AuditStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def put(self, entries: Iterable[dict[str, Any]]) -> None:
        """Keep entries of the unit's organisation; those that are there already stay as they are."""
        # A journal of the release before knows no changes.
        rows = [{"changes": [], **entry, "at": datetime.fromisoformat(entry["at"])} for entry in entries]
        await self._session.execute(insert(AuditEntry).values(rows).on_conflict_do_nothing())

    async def newest(
        self, before: UUID | None, most: int, action: str | None, user_id: UUID | None, refused: bool | None
    ) -> Sequence[AuditEntry]:
        """Return at most so many, the newest first, of those before the one that is named."""
        mine = select(AuditEntry).where(AuditEntry.org_id == self._org_id)
        if before is not None:
            mine = mine.where(AuditEntry.id < before)
        if action is not None:
            mine = mine.where(AuditEntry.action == action)
        if user_id is not None:
            mine = mine.where(AuditEntry.user_id == user_id)
        if refused is not None:
            mine = mine.where((AuditEntry.status == 403) if refused else (AuditEntry.status != 403))
        return (await self._session.scalars(mine.order_by(AuditEntry.id.desc()).limit(most))).all()
