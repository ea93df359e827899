"""What the effects of events share within a transaction: turns already looked up, and what is written once, at its end.

A step is as long-lived as its transaction. It decides nothing. Metering waits for the end because what is metered is a
sum: of several in one step only the last costs a posting, and the accounts are held as shortly as can be.
"""

from collections.abc import Collection
from datetime import date, datetime
from uuid import UUID

from crm.billing.call_money import meter_call, settle_call
from crm.billing.ledger import Ledger
from crm.calls.model import Call, Turn
from crm.calls.store import CallStore
from crm.unit_of_work import UnitOfWork
from crm.usage.book import Counts
from crm.usage.book import add as add_usage
from events.call import Event


class Step:
    def __init__(self, unit: UnitOfWork) -> None:
        self.unit = unit
        self._turns: dict[tuple[UUID, int, int, str], Turn] = {}
        # Calls and numbers of turns that were looked up together: what is missing there is not in the database.
        self._calls_known: frozenset[UUID] = frozenset()
        self._numbers_known: frozenset[int] = frozenset()
        self._usage: dict[tuple[date, str, bool, int], Counts] = {}
        self._metered: dict[UUID, tuple[Call, int]] = {}
        self._events: list[Event] = []

    async def look_up_turns(self, call_ids: Collection[UUID], numbers: Collection[int]) -> None:
        """Read the turns of many calls at once; each `turn` of them is then free."""
        for found in await CallStore(self.unit).turns_numbered(call_ids, numbers):
            self._turns[found.call_id, found.epoch, found.turn, found.speaker] = found
        self._calls_known, self._numbers_known = frozenset(call_ids), frozenset(numbers)

    async def turn(self, call_id: UUID, epoch: int, number: int, speaker: str) -> Turn:
        """Return one turn's row, made when it is not there yet."""
        key = (call_id, epoch, number, speaker)
        turn = self._turns.get(key)
        if turn is None and not (call_id in self._calls_known and number in self._numbers_known):
            turn = await CallStore(self.unit).turn(*key)
        if turn is None:
            turn = Turn(org_id=self.unit.org_id, call_id=call_id, epoch=epoch, turn=number, speaker=speaker)
            self.unit.session.add(turn)
        self._turns[key] = turn
        return turn

    def count_usage(self, day: date, model: str, counts: Counts, *, own_key: bool, shard: int) -> None:
        """Add to a day's sums when the step is written."""
        key = (day, model, own_key, shard)
        self._usage[key] = self._usage.get(key, Counts()) + counts

    def keep_event(self, event: Event) -> None:
        """Have the event itself stored."""
        self._events.append(event)

    def meter(self, call: Call, billable_s: int) -> None:
        """Have the call charged for the seconds used so far."""
        _, sofar = self._metered.get(call.id, (call, 0))
        self._metered[call.id] = (call, max(sofar, billable_s))

    async def settle(self, call: Call, billable_s: int, at: datetime) -> None:
        """Charge the whole call, now: nothing of it has to be metered any more."""
        self._metered.pop(call.id, None)
        await settle_call(call, billable_s, at, Ledger(self.unit))

    async def write(self) -> None:
        """Send what waits to the database; the transaction is still open."""
        events, self._events = self._events, []
        if events:
            await CallStore(self.unit).add_events(events)
        metered, self._metered = self._metered, {}
        for _, (call, billable_s) in sorted(metered.items()):
            await meter_call(call, billable_s, Ledger(self.unit))
        usage, self._usage = self._usage, {}
        # In one order everywhere, so that two steps never wait for each other in a circle.
        for (day, model, own_key, shard), counts in sorted(usage.items(), key=lambda item: item[0]):
            await add_usage(self.unit, day, model, counts, own_key=own_key, shard=shard)
        await self.unit.session.flush()
