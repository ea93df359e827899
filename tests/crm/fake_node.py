"""A voice node that speaks the wire forms over a real Redis, and dials nobody."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from uuid import UUID

import msgspec
from redis.asyncio import Redis

from crm.bus import read_streams
from events import call as happenings
from events import command, permit, wire
from events.call import Body, Event
from events.command import Command, Dial, Reply
from events.ids import new_id

Answer = Callable[[Command], Reply | None]


def accept(order: Command) -> Reply:
    return Reply(order.id, accepted=True, state="dialing")


def refuse(reason: str) -> Answer:
    return lambda order: Reply(order.id, accepted=False, reason=reason)


def stay_silent(_order: Command) -> None:
    return None


class FakeNode:
    def __init__(self, redis: Redis, key: str, *, name: str = "node-a", answer: Answer = accept) -> None:
        self.redis = redis
        self.name = name
        self.answer = answer
        self.orders: list[Command] = []
        self._key = key

    async def announce(
        self,
        *,
        calls: int = 0,
        capacity: int = 10,
        draining: bool = False,
        load: float = 0.0,
        refuses: str = "",
        people: str = "ws://127.0.0.1:8701/n/node-a/people",
    ) -> None:
        report = wire.NodeReport(self.name, calls, capacity, draining, load=load, refuses=refuses, people=people)
        await self.redis.set(wire.node_key(self.name), msgspec.msgpack.encode(report), ex=wire.NODE_TTL_S)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["FakeNode"]:
        """Announce, and obey commands until the end of the block."""
        await self.announce()
        # A fixture's block is not a task group's: pytest may leave it from another task.
        task = asyncio.get_running_loop().create_task(self._obey())
        try:
            yield self
        finally:
            # Again and again: the client may swallow a cancellation that meets an answer.
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=0.1)

    def permits(self) -> list[permit.Permit]:
        """Return what was permitted; each is unsealed as a voice node does it."""
        dials = [order.body for order in self.orders if isinstance(order.body, Dial)]
        return [permit.unseal(dial.permit, self._key, time.time()) for dial in dials]

    async def _obey(self) -> None:
        last = "0"
        while True:
            streams = await read_streams(self.redis, {wire.commands_key(self.name): last}, count=10, block_ms=2000)
            for entry_id, fields in streams[0][1] if streams else ():
                last = entry_id
                order = command.decode_command(fields[wire.COMMAND_FIELD])
                self.orders.append(order)
                reply = self.answer(order)
                if reply is not None:
                    await self.redis.lpush(wire.reply_key(order.id), command.encode(reply))


class CallScript:
    """Writes the events of one call, numbered as a voice process numbers them."""

    def __init__(self, org_id: UUID, call_id: UUID, epoch: int = 1) -> None:
        self.org_id = org_id
        self.call_id = call_id
        self.epoch = epoch
        self.seq = 0

    def event(self, body: Body, seq: int | None = None) -> Event:
        if seq is None:
            self.seq += 1
            seq = self.seq
        return Event(self.org_id, self.call_id, self.epoch, seq, datetime.now(UTC), body)

    def events(self, bodies: Iterable[Body]) -> list[Event]:
        return [self.event(body) for body in bodies]


async def publish(redis: Redis, *events: Event) -> None:
    for event in events:
        await redis.xadd(wire.event_stream(event.call_id), {wire.EVENT_FIELD: happenings.encode(event)})


def unknown_call(org_id: UUID) -> CallScript:
    return CallScript(org_id, new_id())
