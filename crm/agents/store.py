"""Agents in the database, of the unit's organisation."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import func, select

from crm.agents.model import Agent
from crm.unit_of_work import UnitOfWork


class AgentStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def get(self, agent_id: UUID) -> Agent | None:
        return await self._session.get(Agent, (self._org_id, agent_id))

    async def for_call(self, agent_id: UUID | None) -> Agent | None:
        """Return that agent when it is active, or the oldest active one when none is named."""
        statement = select(Agent).where(Agent.org_id == self._org_id, Agent.active)
        if agent_id is not None:
            statement = statement.where(Agent.id == agent_id)
        return (await self._session.scalars(statement.order_by(Agent.created_at).limit(1))).one_or_none()

    async def page(self, number: int, limit: int, kind: str | None) -> tuple[Sequence[Agent], int]:
        """Return page `number`, from 1, of `limit` agents, oldest first, and how many there are."""
        mine = [Agent.org_id == self._org_id] + ([Agent.type == kind] if kind is not None else [])
        statement = select(Agent).where(*mine).order_by(Agent.created_at, Agent.id)
        found = (await self._session.scalars(statement.limit(limit).offset((number - 1) * limit))).all()
        total = await self._session.scalar(select(func.count()).select_from(Agent).where(*mine))
        return found, int(total or 0)
