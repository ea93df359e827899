"""What one waiting caller asks of Redis: how the members stand, who else waits, whose key is whose.

Its task only looks and carries out; what follows is decided by the call's one task, to which everything goes as a
signal. With Redis away nobody is rung: the caller waits on, up to their longest wait.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import msgspec
import structlog
from redis.exceptions import RedisError

from events import attendance, wire
from events.plan import CallPlan
from events.queue import QueuePlan, Strategy
from telephony.queues.attendance import claim, keep, release
from telephony.queues.hall import Hall
from telephony.queues.news import Claimed, Looked, QueueTold
from telephony.queues.offering import Claim, Occupied, Release, Ring, SeatSeen, Step, Stop, Why
from telephony.queues.offers import Offered, Withdrawn

log = structlog.get_logger()

LOOK_S: Final = 0.5
REDIS_TIMEOUT_S: Final = 1.5
FORGOTTEN_S: Final = 5.0  # a caller whose node has not spoken of them for so long waits no more
ORDERS_MAX: Final = 1_000
ERRORS: Final = (RedisError, OSError, TimeoutError)


class WaitingEntry(msgspec.Struct, frozen=True, array_like=True):
    """A caller in the hash of their queue. Unix seconds."""

    came: float
    seen: float
    hungry: bool


class Ringing:
    """One caller's. `order` never waits; `run` is its task."""

    def __init__(
        self,
        plan: CallPlan,
        queue: QueuePlan,
        hall: Hall,
        put: Callable[[QueueTold], None],
        wall_s: Callable[[], float],
    ) -> None:
        self.hungry = True
        self.rings: list[SeatSeen] = []  # whose keys are to stay ours
        self._plan = plan
        self._queue = queue
        self._hall = hall
        self._put = put
        self._wall_s = wall_s
        self._came = wall_s()
        self._orders: deque[Step] = deque(maxlen=ORDERS_MAX)
        self._due = asyncio.Event()
        self._done = False
        self._place = wire.callers_key(plan.org_id, queue.id or queue.members[0].user_id)

    def order(self, steps: list[Step]) -> None:
        self._orders.extend(steps)
        self._due.set()

    def end(self) -> None:
        """The caller waits no more: what was ordered before is still carried out."""
        self._done = True
        self._due.set()

    async def run(self) -> None:
        while not self._done:
            await self._look()
            until = asyncio.get_running_loop().time() + LOOK_S
            while not self._done and await self._ordered(until):
                await self._carry_out()
        await self._carry_out()
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await self._hall.redis.hdel(self._place, str(self._plan.call_id))
        except ERRORS:
            pass  # forgotten by itself

    async def _ordered(self, until: float) -> bool:
        """Wait for something to be ordered; False when it is time to look again."""
        try:
            async with asyncio.timeout_at(until):
                await self._due.wait()
        except TimeoutError:
            return False
        self._due.clear()
        return True

    async def _look(self) -> None:
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                looked = await self._looked()
        except ERRORS as error:
            log.warning("queue.cannot_look", reason=type(error).__name__)
            looked = Looked(None)
        self._put(QueueTold(looked))

    async def _looked(self) -> Looked:
        org_id, members = self._plan.org_id, self._queue.members
        entry = WaitingEntry(self._came, self._wall_s(), self.hungry)
        keys = [
            key(org_id, member.user_id)
            for member in members
            for key in (wire.seat_key, wire.occupied_key, wire.idle_key)
        ]
        pipe = self._hall.redis.pipeline(transaction=False)
        pipe.hset(self._place, str(self._plan.call_id), msgspec.msgpack.encode(entry))
        pipe.expire(self._place, wire.CALLERS_TTL_S)
        pipe.hgetall(self._place)
        pipe.mget(keys)
        for seat in self.rings:
            keep(pipe, (org_id, seat.user_id), self._plan.call_id)
        _, _, callers, values, *_ = await pipe.execute()
        seats = [
            self._seen(*values[3 * number : 3 * number + 3])
            for number in range(len(members))
            if values[3 * number] is not None
        ]
        first, position = self._standing(callers)
        return Looked(tuple(seat for seat in seats if seat is not None), first, position)

    def _seen(self, raw: bytes, occupied: bytes | None, idle: bytes | None) -> SeatSeen | None:
        report = attendance.read(raw)
        if report is None:
            return None
        has = Occupied.NOTHING
        if occupied is not None:
            has = Occupied.THIS if occupied == attendance.ringing(self._plan.call_id) else Occupied.ELSE
        since = float(idle) if idle is not None else report.since
        return SeatSeen(report.user_id, report.name, report.seat, report.node, report.ready, since, has)

    def _standing(self, callers: dict[bytes, bytes]) -> tuple[bool, int]:
        """Return whether nobody who came earlier is hungry, and the caller's place."""
        mine = (self._came, str(self._plan.call_id).encode())
        earlier = []
        for call_id, raw in callers.items():
            try:
                entry = msgspec.msgpack.decode(raw, type=WaitingEntry)
            except msgspec.MsgspecError:
                continue
            if (entry.came, call_id) < mine and entry.seen > self._wall_s() - FORGOTTEN_S:
                earlier.append(entry)
        return not any(entry.hungry for entry in earlier), len(earlier) + 1

    async def _carry_out(self) -> None:
        pipe: Any = self._hall.redis.pipeline(transaction=False)
        while self._orders:
            step = self._orders.popleft()
            match step:
                case Claim(seat=seat):
                    self._put(QueueTold(Claimed(seat.user_id, await self._claim(seat))))
                case Ring(seat=seat, number=number):
                    self._hall.post.send(seat.node, self._offer(seat, number))
                case Stop(seat=seat, number=number, why=why, by=by):
                    release(pipe, (self._plan.org_id, seat.user_id), self._plan.call_id)
                    self._hall.post.send(seat.node, self._withdrawal(seat, number, why, by))
                case Release(seat=seat):
                    release(pipe, (self._plan.org_id, seat.user_id), self._plan.call_id)
                case _:
                    pass  # Connect and GiveUp are the call's
        if len(pipe):
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    await pipe.execute()
            except ERRORS as error:
                log.warning("queue.not_released", reason=type(error).__name__)  # the keys expire by themselves

    async def _claim(self, seat: SeatSeen) -> bool:
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                return await claim(self._hall.redis, (self._plan.org_id, seat.user_id), self._plan.call_id)
        except ERRORS:
            return False

    def _offer(self, seat: SeatSeen, number: int) -> Offered:
        prospect = self._plan.prospect
        return Offered(
            self._plan.org_id,
            seat.user_id,
            seat.seat,
            self._plan.call_id,
            number,
            self._hall.node,
            prospect.lead_id,
            prospect.name,
            prospect.company,
            self._queue.name if self._queue.id is not None else "",
            self._queue.ring_s,
            round(self._wall_s() - self._came),
        )

    def _withdrawal(self, seat: SeatSeen, number: int, why: Why, by: str) -> Withdrawn:
        rests = why is Why.MISSED and self._queue.strategy is Strategy.LONGEST_IDLE
        return Withdrawn(self._plan.org_id, seat.user_id, seat.seat, self._plan.call_id, number, why.value, by, rests)
