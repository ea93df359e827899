"""Suggestions and merges in the database, of the unit's organisation, and the rows that a merge moves."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal
from uuid import UUID

from sqlalchemy import Text, bindparam, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import aliased

from crm.duplicates.likeness import Candidate, Likeness
from crm.duplicates.merging import CHOSEN, SCORE_MARKS
from crm.duplicates.model import Merge, Suggestion
from crm.leads.model import Lead
from crm.page_cursor import Cursor, after
from crm.unit_of_work import UnitOfWork
from events.ids import new_id

# Tables with a `lead_id` whose rows go over to the kept lead. Of those that are only added to, no more than that
# column may be changed (crm.migrate).
MOVED: Final = (
    *("appointments", "calls", "consents", "conversations", "lead_changes", "lead_tags", "notes", "objections"),
    "tasks",
)
# Those that stay where they are: a decision says what was known when it was made. Messages follow their conversation
# by themselves (r0031).
LEFT: Final = frozenset({"decisions", "messages"})
SETTABLE: Final = frozenset({*CHOSEN, *SCORE_MARKS, "objections", "do_not_call", "do_not_call_at"})

Walk = Literal["name", "email", "phone"]

_ROWS: Final = text(
    "SELECT id, to_jsonb(l) FROM leads l WHERE org_id = :org AND id IN (:one, :other) ORDER BY id FOR UPDATE"
)
# What a lead that was merged under an earlier release does not know yet is as it is for a new one.
_BACK: Final = text(
    "INSERT INTO leads SELECT"
    """ (jsonb_populate_record(NULL::leads, CAST('{"score_due": true}' AS jsonb) || CAST(:gone AS jsonb))).*"""
)


class DuplicateStore:
    def __init__(self, unit: UnitOfWork) -> None:
        self._session = unit.session
        self._org_id = unit.org_id

    async def walk(self, by: Walk, behind: tuple[str, UUID] | None, limit: int) -> Sequence[Candidate]:
        """Return the leads that follow in the order of a field, those that have it, by that field's index."""
        column = getattr(Lead, by)
        found = select(Lead.id, Lead.name, Lead.email, Lead.phone, Lead.company).where(Lead.org_id == self._org_id)
        found = found.where(column.is_not(None))
        if behind is not None:
            found = found.where(tuple_(column, Lead.id) > behind)
        rows = await self._session.execute(found.order_by(column, Lead.id).limit(limit))
        return [Candidate(row.id, row.name, row.email, row.phone, row.company) for row in rows]

    async def suggest(self, pairs: Sequence[tuple[UUID, UUID, Likeness]]) -> None:
        """Keep those pairs that were not suggested before and whose leads are still there."""
        rows = [
            {
                "org_id": self._org_id,
                "id": new_id(),
                "lead_a": min(one, other),
                "lead_b": max(one, other),
                "score": found.score,
                "reasons": [reason.value for reason in found.reasons],
            }
            for one, other, found in pairs
        ]
        named = {row[side] for row in rows for side in ("lead_a", "lead_b")}
        there = select(Lead.id).where(Lead.org_id == self._org_id, Lead.id.in_(named)).with_for_update(key_share=True)
        held = set(await self._session.scalars(there))
        kept = [row for row in rows if row["lead_a"] in held and row["lead_b"] in held]
        if kept:
            await self._session.execute(
                insert(Suggestion).on_conflict_do_nothing(index_elements=["org_id", "lead_a", "lead_b"]), kept
            )

    async def suggestions(self, cursor: Cursor | None, limit: int) -> Sequence[tuple[Suggestion, Lead, Lead]]:
        """Return the open ones with their leads, the most alike first."""
        one, other = aliased(Lead), aliased(Lead)
        place = after(cursor, Suggestion.score.expression, Suggestion.id.expression, descending=True)
        found = (
            select(Suggestion, one, other)
            .join(one, (one.org_id == Suggestion.org_id) & (one.id == Suggestion.lead_a))
            .join(other, (other.org_id == Suggestion.org_id) & (other.id == Suggestion.lead_b))
            .where(Suggestion.org_id == self._org_id, ~Suggestion.dismissed, *place)
            .order_by(Suggestion.score.desc(), Suggestion.id.desc())
            .limit(limit)
        )
        return [(row[0], row[1], row[2]) for row in await self._session.execute(found)]

    async def dismiss(self, suggestion_id: UUID) -> bool:
        """Suggest the pair no more; False: there is no such suggestion."""
        mine = Suggestion.org_id == self._org_id, Suggestion.id == suggestion_id
        changed = update(Suggestion).where(*mine).values(dismissed=True).returning(Suggestion.id)
        return await self._session.scalar(changed) is not None

    async def lock_rows(self, one: UUID, other: UUID) -> Mapping[UUID, dict[str, Any]]:
        """Return both leads' whole rows as JSON, those that are there, and keep others from changing them."""
        found = await self._session.execute(_ROWS, {"org": self._org_id, "one": one, "other": other})
        return {lead_id: row for lead_id, row in found}  # noqa: C416 - rows are no pairs to the type checker

    async def set_fields(self, lead_id: UUID, values: Mapping[str, Any]) -> None:
        """Set fields of SETTABLE to values as in JSON."""
        assert values.keys() <= SETTABLE, "names of columns, written into the statement"
        record = "(jsonb_populate_record(NULL::leads, CAST(:values AS jsonb)))"
        sets = [f"{name} = {record}.{name}" for name in sorted(values)]
        told = ", ".join([*sets, "version = version + 1", "updated_at = now()"])
        statement = text(f"UPDATE leads SET {told} WHERE org_id = :org AND id = :id")  # noqa: S608 - our own names
        await self._session.execute(statement, {"org": self._org_id, "id": lead_id, "values": json.dumps(values)})

    async def move(self, source: UUID, target: UUID) -> dict[str, list[str]]:
        """Give all of a lead's rows to another; return the ids by table."""
        moved = {}
        for table in MOVED:
            statement = text(
                f"UPDATE {table} SET lead_id = :target WHERE org_id = :org AND lead_id = :source RETURNING id"  # noqa: S608 - our own names
            )
            asked = {"org": self._org_id, "source": source, "target": target}
            moved[table] = [str(row_id) for row_id in await self._session.scalars(statement, asked)]
        return moved

    async def move_back(self, moved: Mapping[str, Sequence[str]], source: UUID, target: UUID) -> None:
        """Give those of the rows back that are still the lead's that they were given to."""
        for table, ids in moved.items():
            assert table in MOVED, "written by ourselves"
            statement = text(
                f"UPDATE {table} SET lead_id = :target"  # noqa: S608 - our own names
                " WHERE org_id = :org AND lead_id = :source AND id = ANY(CAST(:ids AS uuid[]))"
            ).bindparams(bindparam("ids", type_=ARRAY(Text)))
            asked = {"org": self._org_id, "source": source, "target": target, "ids": list(ids)}
            await self._session.execute(statement, asked)

    async def bring_back(self, gone: Mapping[str, Any]) -> None:
        """Put a lead in again, as it was."""
        await self._session.execute(_BACK, {"gone": json.dumps(gone)})

    async def merges(self, before: UUID | None, limit: int) -> Sequence[Merge]:
        mine = select(Merge).where(Merge.org_id == self._org_id)
        if before is not None:
            mine = mine.where(Merge.id < before)
        return (await self._session.scalars(mine.order_by(Merge.id.desc()).limit(limit))).all()
