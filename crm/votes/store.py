"""Votes in the database, of the unit's organisation."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from crm.database import utc_now
from crm.unit_of_work import UnitOfWork
from crm.votes.model import Vote
from crm.votes.trust import Cast
from events.ids import new_id


class VoteStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def put(self, values: Mapping[str, Any]) -> Vote:
        """Take a person's vote in the place of an earlier one of theirs on the same thing."""
        changed = {name: value for name, value in values.items() if name not in ("kind", "generation_id", "user_id")}
        statement = insert(Vote).values(org_id=self._org_id, id=new_id(), **values)
        statement = statement.on_conflict_do_update(
            index_elements=["org_id", "kind", "generation_id", "user_id"], set_=changed | {"updated_at": utc_now()}
        )
        found = await self._session.scalars(statement.returning(Vote), execution_options={"populate_existing": True})
        return found.one()

    async def drop(self, kind: str, generation_id: UUID, user_id: UUID) -> None:
        mine = (Vote.org_id == self._org_id, Vote.user_id == user_id)
        await self._session.execute(delete(Vote).where(*mine, Vote.kind == kind, Vote.generation_id == generation_id))

    async def cast_since(self, since: datetime) -> Sequence[Cast]:
        statement = select(Vote.user_id, Vote.kind, Vote.generation_id, Vote.vote, Vote.updated_at).where(
            Vote.org_id == self._org_id, Vote.updated_at >= since
        )
        rows = await self._session.execute(statement)
        return [Cast(row[0], (row[1], row[2]), row[3], row[4]) for row in rows]

    async def page(self, after: UUID, limit: int, leaving_out: Sequence[UUID]) -> Sequence[Vote]:
        """Return the votes on the next `limit` generations whose ids follow `after`, in their order."""
        mine = [Vote.org_id == self._org_id]
        if leaving_out:
            mine.append(Vote.user_id.not_in(leaving_out))
        chosen = (
            select(Vote.generation_id, Vote.kind)
            .where(*mine, Vote.generation_id > after)
            .group_by(Vote.generation_id, Vote.kind)
            .order_by(Vote.generation_id)
            .limit(limit)
        )
        statement = select(Vote).where(*mine, tuple_(Vote.generation_id, Vote.kind).in_(chosen))
        return (await self._session.scalars(statement.order_by(Vote.generation_id, Vote.created_at, Vote.id))).all()

    async def forget_comments(self, call_id: UUID) -> None:
        """A call's words are erased: what people wrote about them may hold some."""
        mine = (Vote.org_id == self._org_id, Vote.call_id == call_id)
        await self._session.execute(update(Vote).where(*mine).values(comment=""))
