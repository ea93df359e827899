"""The other side of the bus in a simulated call: Redis in memory, and a CRM that takes events and books money.

Redis is replaced at its client, which is where the network begins. Which event has its turn, and what a call costs, is
the CRM's own code; only rows and accounts are kept in dictionaries.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, cast
from uuid import UUID

from redis.exceptions import ConnectionError as RedisConnectionError

from bench.sim.record import Money
from crm.billing.call_money import funding_for, meter_call, reserve_call, settle_call
from crm.billing.ledger import Ledger, NoCredit
from crm.billing.model import AccountKind
from crm.calls.model import Call
from crm.calls.sequence import Place, place
from events import call as events
from events import wire
from events.money import Millicredits

# What the database keeps from becoming negative: the wallet, and what each call holds.
_GUARDED: Final = frozenset({AccountKind.WALLET, AccountKind.HELD})
_TRIP_S: Final = 0.001
_EPOCH: Final = datetime(2026, 1, 1, tzinfo=UTC)


class SimLedger:
    """The part of `crm.billing.ledger.Ledger` that calls use, over a dictionary, with the database's own guards."""

    def __init__(self, funded: int) -> None:
        self.accounts = defaultdict(int, {AccountKind.WALLET: funded, AccountKind.FUNDING: -funded})
        self.posted: list[tuple[str, dict[AccountKind, int]]] = []
        self.references: set[str] = set()
        self.went_negative = False

    async def wallet(self) -> Millicredits:
        return Millicredits(self.accounts[AccountKind.WALLET])

    async def lock_wallet(self) -> Millicredits:
        return Millicredits(self.accounts[AccountKind.WALLET])

    async def post(
        self, kind: str, reference: str, moves: Mapping[AccountKind, int], call_id: UUID | None = None
    ) -> None:
        """Raises NoCredit."""
        if reference in self.references:
            raise AssertionError(f"posted twice: {reference}")
        if any(self.accounts[account] + amount < 0 for account, amount in moves.items() if account in _GUARDED):
            self.went_negative = True
            raise NoCredit
        self.references.add(reference)
        self.posted.append((kind, dict(moves)))
        for account, amount in moves.items():
            self.accounts[account] += amount


class SimCrm:
    """Takes events of one call as `crm.calls.intake` does: once, in order, parking what came too early."""

    def __init__(self, org_id: UUID, call_id: UUID, wallet: int, per_minute: int, max_s: int) -> None:
        self.ledger = SimLedger(wallet)
        self._wallet = wallet
        funding = funding_for(Millicredits(wallet), Millicredits(per_minute), max_s)
        self.funded_s = funding.seconds
        self.call = Call(
            org_id=org_id,
            id=call_id,
            epoch=0,
            seq=0,
            price_per_minute=per_minute,
            reserved=int(funding.amount),
            held=int(funding.amount),
            charged=0,
        )
        self.taken: list[events.Event] = []
        self.arrived: list[tuple[int, int]] = []
        self.metered: list[int] = []
        self._parked: dict[tuple[int, int], events.Event] = {}

    @property
    def _money(self) -> Ledger:
        return cast(Ledger, self.ledger)

    async def reserve(self) -> None:
        await reserve_call(self.call, self._money)

    async def take(self, raw: bytes) -> None:
        event = events.decode(raw)
        self.arrived.append((event.epoch, event.seq))
        match place((self.call.epoch, self.call.seq), (event.epoch, event.seq)):
            case Place.NEXT:
                await self._apply(event)
                while (following := self._parked.pop((self.call.epoch, self.call.seq + 1), None)) is not None:
                    await self._apply(following)
            case Place.GAP:
                self._parked[event.epoch, event.seq] = event
            case Place.DUPLICATE | Place.STALE:
                pass

    @property
    def mark(self) -> bytes:
        return f"{self.call.epoch}:{self.call.seq}".encode()

    def money(self) -> Money:
        accounts = {kind.value: amount for kind, amount in self.ledger.accounts.items()}
        settled = sum(kind == "settle" for kind, _ in self.ledger.posted)
        return Money(
            self.call.price_per_minute,
            self.call.reserved,
            self.call.charged,
            self.metered,
            accounts,
            self._wallet,
            settled,
            self.ledger.went_negative,
        )

    async def _apply(self, event: events.Event) -> None:
        self.call.epoch, self.call.seq = event.epoch, event.seq
        self.taken.append(event)
        match event.body:
            case events.Metered(billable_s=billable_s):
                self.metered.append(billable_s)
                await meter_call(self.call, billable_s, self._money)
            case events.Finished(billable_s=billable_s):
                await settle_call(self.call, billable_s, _EPOCH, self._money)
            case _:
                pass


class SimRedis:
    """What the outbox uses of `redis.asyncio.Redis`; `away` says whether it cannot be reached now."""

    def __init__(self, crm: SimCrm, away: Callable[[], bool]) -> None:
        self._crm = crm
        self._away = away

    def pipeline(self, *, transaction: bool = True) -> "SimPipeline":
        return SimPipeline(self)

    async def mget(self, keys: list[str]) -> list[bytes | None]:
        await self.reach()
        call = self._crm.call
        known = wire.committed_key(call.org_id, call.id)
        return [self._crm.mark if key == known else None for key in keys]

    async def reach(self) -> None:
        await asyncio.sleep(_TRIP_S)
        if self._away():
            raise RedisConnectionError("connection refused")

    async def add(self, entries: list[bytes]) -> None:
        for raw in entries:
            await self._crm.take(raw)


class SimPipeline:
    def __init__(self, server: SimRedis) -> None:
        self._server = server
        self._entries: list[bytes] = []

    def xadd(self, stream: str, fields: Mapping[str | bytes, Any], **_limits: object) -> None:
        self._entries.append(bytes(fields[wire.EVENT_FIELD]))

    async def execute(self) -> list[bytes]:
        await self._server.reach()
        await self._server.add(self._entries)
        return [b"0-1" for _ in self._entries]
