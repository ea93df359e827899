"""How many of an organisation's calls are going on: what its plan limits.

A slot is no counter that has to be given back: it is the call's own row, until the call ends. So a process that dies
keeps none: a dial that no voice node ever speaks for is released by the worker, and a call of which nobody says any
more that it ended leaves its slot when its credits cannot last any longer.
"""

from typing import Final

from sqlalchemy import text

from crm.unit_of_work import UnitOfWork


class SlotTaken(Exception):
    """Other calls were placed meanwhile, as many as there may be."""


# Beyond the seconds that are paid for: the permit's life, ringing, hanging up, and events that are late.
SLACK_S: Final = 300

_COUNT: Final = text("""
    SELECT count(*) FROM calls WHERE org_id = :org AND ended_at IS NULL
    AND created_at > now() - make_interval(secs => funded_s + :slack)
""")


async def live_calls(unit: UnitOfWork) -> int:
    """Return how many there are, those of this transaction included.

    With the wallet locked nobody else adds one: every call reserves credits before it is committed.
    """
    return int((await unit.session.execute(_COUNT, {"org": unit.org_id, "slack": SLACK_S})).scalar_one())


async def take_slot(unit: UnitOfWork, most: int | None) -> None:
    """Make sure that the call which this transaction adds, and for which it has just reserved credits, is not too many.

    Raises:
        SlotTaken
    """
    if most is None:
        return
    await unit.session.flush()
    if await live_calls(unit) > most:
        raise SlotTaken
