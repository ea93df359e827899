"""Where a lead stands by all that its calls have told, worked out anew. Sans-I/O.

The rules are those of crm.leads.progress. What somebody changed after the calls had decided stays, unless the calls
are to have the last word.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from crm.leads.progress import Standing, after_call, after_fact, asks_for_call
from events.call import FactKind, FactNoted, Finished

# An event and the changes that it makes carry two clocks, the CRM's and the database's, a transaction apart.
SAME: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Told:
    """An event that may change where a lead stands."""

    call_id: UUID
    received_at: datetime
    body: FactNoted | Finished
    erased: bool = False  # its words are: what the next step was is not told any more


@dataclass(frozen=True, slots=True)
class StatusChange:
    """One change of the lead's status, whoever made it."""

    at: datetime
    before: str


@dataclass(frozen=True, slots=True)
class Stands:
    standing: Standing  # by the calls
    decided: bool  # whether any event says where the lead stands
    changed_since: bool  # somebody has changed the status after the calls had decided


def standing_by_calls(told: Sequence[Told], changes: Sequence[StatusChange], now: Standing) -> Stands:
    """Return where the lead stands by its calls.

    Args:
        told: of all calls of the lead, in the order in which they were applied.
        changes: of the lead's status, the oldest first.
        now: what the lead's row says.
    """
    if not told:
        return Stands(now, decided=False, changed_since=False)
    stands = Standing(_before(told[0].received_at, changes, now.status), now.next_step)
    decided_at: datetime | None = None
    for one in told:
        body = one.body
        after = after_fact(stands, body) if isinstance(body, FactNoted) else after_call(stands, body.outcome)
        if one.erased:
            after = replace(after, next_step=now.next_step)
        if after != stands:
            decided_at = one.received_at
        stands = after
    if decided_at is None:
        return Stands(now, decided=False, changed_since=False)
    since = any(change.at > decided_at + SAME for change in changes)
    return Stands(stands, decided=True, changed_since=since)


def calls_back(told: Sequence[Told], call_id: UUID) -> list[FactNoted]:
    """Return what of a call has somebody call the lead again: asked for, or broken off and never refused before."""
    refused = False
    found = []
    for one in told:
        if not isinstance(one.body, FactNoted):
            continue
        refused = refused or one.body.kind is FactKind.OPTED_OUT
        if one.call_id == call_id and asks_for_call(one.body.kind, do_not_call=refused):
            found.append(one.body)
    return found


def _before(moment: datetime, changes: Sequence[StatusChange], now: str) -> str:
    return next((change.before for change in changes if change.at > moment - SAME), now)
