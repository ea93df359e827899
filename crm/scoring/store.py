"""What scores rest on, and the scores themselves, in the database, of the unit's organisation."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Uuid, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY

from crm.leads.model import Lead
from crm.scoring.rules import Facts
from crm.unit_of_work import UnitOfWork

_IDS: Final = bindparam("ids", type_=ARRAY(Uuid))
_FACTS: Final = text("""
    SELECT l.id, l.custom_fields, l.status, l.do_not_call,
        CASE WHEN jsonb_typeof(l.objections) = 'array' THEN jsonb_array_length(l.objections) ELSE 0 END AS objections,
        made.answered, made.goals, made.callbacks, made.declines, met.booked, met.cancelled,
        wrote.messages
    FROM leads l
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (
                WHERE c.answered_at IS NOT NULL AND c.answered_by IS DISTINCT FROM 'machine') AS answered,
            count(*) FILTER (WHERE c.outcome = 'goal_reached') AS goals,
            count(*) FILTER (WHERE c.outcome = 'callback_requested') AS callbacks,
            count(*) FILTER (WHERE c.outcome = 'not_interested') AS declines
        FROM calls c WHERE c.org_id = :org AND c.lead_id = l.id) AS made
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE a.status = 'booked') AS booked,
            count(*) FILTER (WHERE a.status = 'cancelled') AS cancelled
        FROM appointments a WHERE a.org_id = :org AND a.lead_id = l.id) AS met
    CROSS JOIN LATERAL (
        -- As each conversation counts them; a sum of bigints is numeric.
        SELECT CAST(coalesce(sum(v.incoming_count), 0) AS bigint) AS messages
        FROM conversations v WHERE v.org_id = :org AND v.lead_id = l.id) AS wrote
    WHERE l.org_id = :org AND l.id = ANY(:ids)""").bindparams(_IDS)
# A score that somebody set stays. The version rises with what people see, `updated_at` does not: new weights would
# make every lead one that was changed lately.
_WRITE: Final = text("""
    UPDATE leads SET score = new.score, score_due = false,
        version = leads.version + CASE WHEN leads.score = new.score THEN 0 ELSE 1 END
    FROM (
        SELECT l.id, CASE WHEN l.score_set_at IS NULL THEN given.score ELSE l.score END AS score
        FROM leads l JOIN unnest(:ids, CAST(:scores AS bigint[])) AS given(id, score) ON given.id = l.id
        WHERE l.org_id = :org
    ) AS new
    WHERE leads.org_id = :org AND leads.id = new.id AND (leads.score <> new.score OR leads.score_due)""").bindparams(
    _IDS
)

# Neither version nor time of a lead change with this.
_MARK: Final = text(
    "UPDATE leads SET score_due = true WHERE org_id = :org AND id = ANY(:ids) AND NOT score_due"
).bindparams(_IDS)


class ScoreStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def due(self, most: int) -> Sequence[UUID]:
        """Return leads whose score is to be worked out again, by the index of those."""
        return await self._ids(Lead.score_due, most=most)

    async def after(self, lead_id: UUID | None, most: int) -> Sequence[UUID]:
        """Return the leads behind one, in the order of their ids."""
        return await self._ids(*([Lead.id > lead_id] if lead_id is not None else []), most=most)

    async def hold(self, ids: Sequence[UUID], *, wait: bool) -> Sequence[UUID]:
        """Lock leads, and return which; without waiting, those that others hold are left out."""
        mine = select(Lead.id).where(Lead.org_id == self._org_id, Lead.id.in_(ids)).order_by(Lead.id)
        return (await self._session.scalars(mine.with_for_update(skip_locked=not wait))).all()

    async def facts(self, ids: Sequence[UUID]) -> Mapping[UUID, Facts]:
        rows = await self._session.execute(_FACTS, {"org": self._org_id, "ids": list(ids)})
        return {row.id: Facts(*row[1:]) for row in rows}

    async def write(self, scores: Mapping[UUID, int]) -> None:
        """Keep computed scores; of leads that are held."""
        asked: dict[str, Any] = {"org": self._org_id, "ids": list(scores), "scores": list(scores.values())}
        await self._session.execute(_WRITE, asked)

    async def mark(self, ids: Sequence[UUID]) -> None:
        """Have scores worked out again."""
        await self._session.execute(_MARK, {"org": self._org_id, "ids": list(ids)})

    async def _ids(self, *conditions: Any, most: int) -> Sequence[UUID]:
        mine = select(Lead.id).where(Lead.org_id == self._org_id, *conditions)
        return (await self._session.scalars(mine.order_by(Lead.id).limit(most))).all()
