"""How many of an organisation's calls are going on: what its plan limits.

A slot is no counter that has to be given back: it is the call's own row, until the call ends. So a process that dies
keeps none: a dial that no voice node ever speaks for is released by the worker, and a call of which nobody says any
more that it ended leaves its slot when its credits cannot last any longer.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import text

from crm.unit_of_work import UnitOfWork

# Beyond the seconds that are paid for: the permit's life, ringing, hanging up, and events that are late.
SLACK_S: Final = 300

_LIVE: Final = text("""
    SELECT count(*) AS calls, coalesce(sum(credit), 0) AS credit FROM calls WHERE org_id = :org AND ended_at IS NULL
    AND created_at > now() - make_interval(secs => funded_s + :slack)
""")

_HELD: Final = text("SELECT coalesce(sum(held), 0) FROM calls WHERE org_id = :org AND ended_at IS NULL")


@dataclass(frozen=True, slots=True)
class Live:
    calls: int
    credit: int  # what they may use beyond what is paid, in thousandths


async def live(unit: UnitOfWork) -> Live:
    """Return what is going on, what this transaction adds included.

    With the wallet locked nobody else adds a call: each reserves credits before it is committed.
    """
    row = (await unit.session.execute(_LIVE, {"org": unit.org_id, "slack": SLACK_S})).one()
    return Live(row.calls, int(row.credit))


async def held_for_calls(unit: UnitOfWork) -> int:
    """Return what is held for calls that have not ended, in thousandths: what each keeps of its reservation."""
    return int((await unit.session.execute(_HELD, {"org": unit.org_id})).scalar_one())
