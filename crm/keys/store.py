"""API keys in the database, of the unit's organisation."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, func, or_, select

from crm.identity.model import Member, MemberStatus
from crm.keys.model import ApiKey
from crm.page_cursor import Cursor, after
from crm.unit_of_work import UnitOfWork


class KeyStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def by_prefix(self, prefix: str) -> tuple[ApiKey, str] | None:
        """Return the key and the role of its maker; None also when the maker is let in no more."""
        makes = and_(Member.org_id == ApiKey.org_id, Member.user_id == ApiKey.made_by)
        mine = select(ApiKey, Member.role).join(Member, makes)
        mine = mine.where(ApiKey.org_id == self._org_id, ApiKey.prefix == prefix)
        row = (await self._session.execute(mine.where(Member.status == MemberStatus.ACTIVE.value))).one_or_none()
        return row and (row.ApiKey, row.role)

    async def lock(self, key_id: UUID) -> ApiKey | None:
        return await self._session.get(ApiKey, (self._org_id, key_id), with_for_update=True, populate_existing=True)

    async def count_active(self, now: datetime) -> int:
        active = (ApiKey.revoked_at.is_(None), or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > now))
        counted = select(func.count()).where(ApiKey.org_id == self._org_id, *active)
        return int(await self._session.scalar(counted) or 0)

    async def newest(self, cursor: Cursor | None, most: int) -> Sequence[ApiKey]:
        """Return at most so many, revoked ones too, after the cursor's."""
        place = after(cursor, ApiKey.created_at.expression, ApiKey.id.expression, descending=True)
        listed = select(ApiKey).where(ApiKey.org_id == self._org_id, *place)
        ordered = listed.order_by(ApiKey.created_at.desc(), ApiKey.id.desc())
        return (await self._session.scalars(ordered.limit(most))).all()
