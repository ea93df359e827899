"""Prompts in the database, of the unit's organisation."""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select

from crm.prompts.model import Prompt, PromptActivation, PromptVersion
from crm.prompts.versions import Version
from crm.unit_of_work import UnitOfWork

PROMPTS_MAX: Final = 500
VERSIONS_SHOWN_MAX: Final = 100


class Lock(Enum):
    """What others may do with the row until this transaction ends."""

    NONE = auto()
    READ = auto()  # they may read it: a dial holds it, so that no new version slips in between
    CHANGE = auto()


class PromptStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def by_slug(self, slug: str, lock: Lock = Lock.NONE) -> Prompt | None:
        return await self._one(lock, Prompt.slug == slug)

    async def get(self, prompt_id: UUID, lock: Lock = Lock.NONE) -> Prompt | None:
        return await self._one(lock, Prompt.id == prompt_id)

    async def all(self) -> Sequence[Prompt]:
        statement = select(Prompt).where(Prompt.org_id == self._org_id).order_by(Prompt.slug).limit(PROMPTS_MAX)
        return (await self._session.scalars(statement)).all()

    async def versions(self, prompt_id: UUID) -> Sequence[PromptVersion]:
        """Return the newest versions first."""
        statement = self._versions_of(prompt_id).limit(VERSIONS_SHOWN_MAX)
        return (await self._session.scalars(statement)).all()

    async def newest(self, prompt_id: UUID) -> PromptVersion:
        return (await self._session.scalars(self._versions_of(prompt_id).limit(1))).one()

    async def version(self, prompt_id: UUID, number: Version) -> PromptVersion | None:
        statement = self._versions_of(prompt_id).where(
            PromptVersion.major == number.major, PromptVersion.minor == number.minor
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def activation(self, activation_id: UUID) -> PromptActivation:
        return await self._session.get_one(PromptActivation, (self._org_id, activation_id))

    async def slugs(self, prompt_ids: Sequence[UUID]) -> dict[UUID, str]:
        statement = select(Prompt.id, Prompt.slug).where(Prompt.org_id == self._org_id, Prompt.id.in_(prompt_ids))
        return {row.id: row.slug for row in await self._session.execute(statement)}

    def _versions_of(self, prompt_id: UUID) -> Select[PromptVersion]:
        return (
            select(PromptVersion)
            .where(PromptVersion.org_id == self._org_id, PromptVersion.prompt_id == prompt_id)
            .order_by(PromptVersion.major.desc(), PromptVersion.minor.desc())
        )

    async def _one(self, lock: Lock, condition: ColumnElement[bool]) -> Prompt | None:
        statement = select(Prompt).where(Prompt.org_id == self._org_id, condition)
        if lock is not Lock.NONE:
            statement = statement.with_for_update(read=lock is Lock.READ)
        return (await self._session.scalars(statement.execution_options(populate_existing=True))).one_or_none()
