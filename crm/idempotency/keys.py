"""A client's Idempotency-Key and what is kept under it: one request of an organisation, told by its fingerprint."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from crm.idempotency.model import IdempotencyKey
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.ids import new_id


class KeyReused(Refusal):
    """The key was used for another request."""

    def __init__(self) -> None:
        super().__init__("idempotency_key_reused")


class StillInProgress(Refusal):
    """The first request with this key has not decided yet."""

    def __init__(self) -> None:
        super().__init__("request_in_progress")


@dataclass(frozen=True, slots=True)
class Attempt:
    key: str
    fingerprint: str


def fingerprint_of(request: Mapping[str, Any]) -> str:
    """Return what tells two requests apart, whatever their order of members."""
    return hashlib.sha256(json.dumps(request, sort_keys=True, default=str).encode()).hexdigest()


class KeyStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def claim(self, attempt: Attempt) -> bool:
        """Take the client's key for this request; False when it is taken. Waits while another transaction has it."""
        statement = insert(IdempotencyKey).values(
            org_id=self._org_id, id=new_id(), key=attempt.key, fingerprint=attempt.fingerprint
        )
        statement = statement.on_conflict_do_nothing(index_elements=["org_id", "key"])
        return bool(await self._session.scalar(statement.returning(IdempotencyKey.id)))

    async def get(self, key: str) -> IdempotencyKey | None:
        statement = select(IdempotencyKey).where(IdempotencyKey.org_id == self._org_id, IdempotencyKey.key == key)
        return (await self._session.execute(statement.execution_options(populate_existing=True))).scalar_one_or_none()

    async def release(self, key: str) -> None:
        """Forget the key: nothing was done under it, so it may be used again."""
        await self._session.execute(
            delete(IdempotencyKey).where(IdempotencyKey.org_id == self._org_id, IdempotencyKey.key == key)
        )
