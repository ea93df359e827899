"""Replaying an organisation's ledger: every balance worked out again from the entries, and what differs told.

Each night for every organisation, and when the operator asks (`salesos ledger`). Nothing is mended: an entry that is
wrong is answered by another entry, and somebody has to know why.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, select, text

from crm.billing.model import LedgerDuty
from crm.database import Sessions, utc_now
from crm.unit_of_work import UnitOfWork

DUTIES_MAX: Final = 200

log = structlog.get_logger()

# One statement, so that all of it is of one moment whatever is booked meanwhile.
_REPLAY: Final = text("""
    WITH sums AS (
        SELECT account.kind, account.balance, coalesce(sum(entry.amount), 0)::bigint AS held
        FROM ledger_accounts AS account
        LEFT JOIN ledger_entries AS entry ON entry.org_id = :org AND entry.account_id = account.id
        WHERE account.org_id = :org GROUP BY account.kind, account.balance
    ), crooked AS (
        SELECT count(*) AS many FROM (
            SELECT FROM ledger_entries WHERE org_id = :org GROUP BY transaction_id HAVING sum(amount) <> 0
        ) AS one
    ), lost AS (
        SELECT count(*) AS many FROM ledger_entries AS entry WHERE entry.org_id = :org AND NOT EXISTS (
            SELECT FROM ledger_transactions AS made WHERE made.org_id = :org AND made.id = entry.transaction_id
        )
    ), used AS (
        SELECT coalesce(sum(held), 0)::bigint AS held FROM calls WHERE org_id = :org
    ), away AS (
        SELECT amounts FROM ledger_archive WHERE org_id = :org
    ), apart AS (
        SELECT coalesce(sum(abs(carried.moved - kept.moved)), 0)::bigint AS amount FROM (
            SELECT account.kind, coalesce(sum(entry.amount), 0)::bigint AS moved
            FROM ledger_accounts AS account
            LEFT JOIN ledger_transactions AS made ON made.org_id = :org AND made.kind = 'carried'
            LEFT JOIN ledger_entries AS entry ON entry.org_id = :org AND entry.transaction_id = made.id
                AND entry.account_id = account.id
            WHERE account.org_id = :org GROUP BY account.kind
        ) AS carried JOIN (
            SELECT 'wallet' AS kind, coalesce(sum(amounts[1]), 0)::bigint AS moved FROM away
            UNION ALL SELECT 'held', coalesce(sum(amounts[2]), 0)::bigint FROM away
            UNION ALL SELECT 'revenue', coalesce(sum(amounts[3]), 0)::bigint FROM away
            UNION ALL SELECT 'funding', coalesce(sum(amounts[4]), 0)::bigint FROM away
            UNION ALL SELECT 'shortfall', coalesce(sum(amounts[5]), 0)::bigint FROM away
        ) AS kept USING (kind)
    )
    SELECT 'wallet' AS what, balance AS said, held AS found FROM sums WHERE kind = 'wallet'
    UNION ALL SELECT 'held', used.held, sums.held FROM used, sums WHERE kind = 'held'
    UNION ALL SELECT 'sum', 0, coalesce(sum(held), 0)::bigint FROM sums
    UNION ALL SELECT 'crooked_transactions', 0, many FROM crooked
    UNION ALL SELECT 'entries_without_transaction', 0, many FROM lost
    -- What was put away comes to what stands in its place.
    UNION ALL SELECT 'put_away', 0, amount FROM apart
    UNION ALL SELECT 'accounts', 5, count(*) FROM sums
""")


@dataclass(frozen=True, slots=True)
class Difference:
    """`said`: what is kept, or has to be. `found`: what the entries come to."""

    what: str
    said: int
    found: int


async def replay(unit: UnitOfWork) -> list[Difference]:
    """Return what differs, inside the caller's transaction; nothing, as a rule.

    Raises:
        sqlalchemy.exc.DBAPIError: the entries are more than a statement's time allows.
    """
    rows = await unit.session.execute(_REPLAY, {"org": unit.org_id})
    return [Difference(row.what, row.said, row.found) for row in rows if row.said != row.found]


async def replay_and_note(org_id: UUID, sessions: Sessions) -> list[Difference]:
    """Replay one organisation's ledger and keep when that was."""
    async with UnitOfWork(sessions, org_id) as unit:
        found = await replay(unit)
        duty = await unit.session.get(LedgerDuty, org_id)
        if duty is not None:
            duty.checked_at = utc_now()
        await unit.commit()
    if found:
        # Critical: whoever is on call is to see it (docs/guides/ledger.md).
        log.critical("ledger.differs", org_id=str(org_id), differences=[asdict(one) for one in found])
    return found


async def organisations_after(sessions: Sessions, after: UUID | None, most: int) -> Sequence[UUID]:
    """Return the organisations with a ledger, in the order of their ids."""
    return await _duties(sessions, LedgerDuty.org_id > after if after is not None else None, LedgerDuty.org_id, most)


async def least_lately(sessions: Sessions, before: Any, most: int = DUTIES_MAX) -> Sequence[UUID]:
    """Return those that were not replayed since that moment, those that wait longest first."""
    late = LedgerDuty.checked_at.is_(None) | (LedgerDuty.checked_at < before)
    return await _duties(sessions, late, LedgerDuty.checked_at.nulls_first(), most)


async def _duties(sessions: Sessions, condition: ColumnElement[bool] | None, order: Any, most: int) -> Sequence[UUID]:
    statement = select(LedgerDuty.org_id).order_by(order).limit(most)
    async with UnitOfWork(sessions) as unit:
        return (await unit.session.scalars(statement if condition is None else statement.where(condition))).all()
