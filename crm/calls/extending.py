"""Credits that come in while calls are going on: the calls that would end for want of them last longer.

More is reserved for each, and the voice nodes are told. A node that is not reached ends its call when it would have
ended anyway, and what was reserved in vain goes back with the settlement.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import structlog
from sqlalchemy import select

from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.calls.live import is_live, tell_nodes
from crm.calls.model import Call
from crm.calls.nodes import VoiceNodes
from crm.calls.store import CallStore
from crm.database import Sessions
from crm.unit_of_work import UnitOfWork
from events.command import Fund, FundsFor
from events.money import Millicredits, price_of_seconds, seconds_paid_by

CALLS_MAX: Final = 1_000  # of one organisation, at a time

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Extended:
    """How many live calls last longer now, and how many of which nobody has confirmed that they do."""

    calls: int = 0
    unreached: int = 0


@dataclass(frozen=True, slots=True)
class _Told:
    node: str
    funds: FundsFor


async def extend_live_calls(org_id: UUID, max_s: int, sessions: Sessions, nodes: VoiceNodes) -> Extended:
    """Share the wallet among the calls that end before `max_s` for want of credits.

    Raises:
        sqlalchemy.exc.SQLAlchemyError, OSError, TimeoutError: nothing more was reserved.
    """
    async with UnitOfWork(sessions, org_id) as unit:
        told = await _reserve(unit, max_s)
        await unit.commit()
    groups: dict[str, list[FundsFor]] = defaultdict(list)
    for one in told:
        groups[one.node].append(one.funds)
    orders = [(node, Fund(org_id, tuple(funds))) for node, funds in groups.items()]
    taken = await tell_nodes(orders, nodes)
    unreached = len(told) - len(taken)
    if unreached:
        log.warning("calls.not_extended", calls=unreached)
    return Extended(len(taken), unreached)


async def _reserve(unit: UnitOfWork, max_s: int) -> list[_Told]:
    """Hold more of the wallet for each call, an equal share, in the caller's transaction."""
    short = select(Call.id).where(is_live(unit.org_id), Call.funded_s < max_s).limit(CALLS_MAX)
    # First the calls, in the order of their ids, then the wallet: as everybody does who takes both.
    calls = await CallStore(unit).lock_all(sorted((await unit.session.scalars(short)).all()))
    calls = [call for call in calls if call.ended_at is None and call.funded_s < max_s]
    ledger = Ledger(unit)
    told: list[_Told] = []
    if not calls:
        return told
    left = await ledger.lock_wallet()
    # Who needs least first: what it leaves of its share is the others'.
    for number, call in enumerate(sorted(calls, key=lambda call: (max_s - call.funded_s) * call.price_per_minute)):
        price = Millicredits(call.price_per_minute)
        share = Millicredits(left // (len(calls) - number))
        seconds = min(max_s - call.funded_s, seconds_paid_by(share, price))
        if not seconds:
            continue
        amount = price_of_seconds(seconds, price)
        call.funded_s += seconds
        call.reserved += amount
        call.held += amount
        left = Millicredits(left - amount)
        moves = {AccountKind.WALLET: -amount, AccountKind.HELD: amount}
        await ledger.post("reserve", f"reserve:{call.id}:{call.funded_s}", moves, call.id)
        told.append(_Told(call.node, FundsFor(call.id, call.funded_s)))
    return told
