"""This node towards the CRM: it announces itself and its load, and answers commands.

A command's answer is the state machine's word. A command read after its time is answered "late" and not carried
out; one that a killed process left behind is still in the stream when the next one starts.
"""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

import msgspec
import redis.asyncio as redis
import structlog
from redis.exceptions import RedisError

from events import command, wire
from telephony.call.signals import FundsChanged, HangUpAsked, PromptChanged
from telephony.calls import Calls
from telephony.dial import Dialer, DialRefused
from telephony.stream_entries import entries_of

log = structlog.get_logger()

ANNOUNCE_EVERY_S: Final = 2.0
REDIS_TIMEOUT_S: Final = 2.0
READ_BLOCK_MS: Final = 1_000
AT_ONCE: Final = 16  # commands carried out at a time; further ones wait in Redis
RETRY_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class Node:
    name: str
    carrier: str
    calls: Calls
    dialer: Dialer
    redis: redis.Redis
    people: str = ""  # where people come to its calls

    async def announce(self) -> None:
        """Tell the load every few seconds, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(REDIS_TIMEOUT_S):
                    await self.redis.set(
                        wire.node_key(self.name), msgspec.msgpack.encode(self._report()), ex=wire.NODE_TTL_S
                    )
            except (RedisError, OSError, TimeoutError) as error:
                log.warning("node.announce_failed", reason=type(error).__name__)
            await asyncio.sleep(ANNOUNCE_EVERY_S)

    def _report(self) -> wire.NodeReport:
        load, shedding, refuses = self.dialer.admission.announced()
        return wire.NodeReport(
            self.name,
            len(self.calls),
            self.calls.capacity,
            self.calls.draining,
            self.carrier,
            load=load,
            shedding=shedding.name.lower() if shedding else "",
            refuses=refuses,
            people=self.people,
        )

    async def withdraw(self) -> None:
        """Take the announcement back: the node stops."""
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await self.redis.delete(wire.node_key(self.name))
        except (RedisError, OSError, TimeoutError):
            log.warning("node.withdraw_failed")

    async def obey(self) -> None:
        """Read and carry out commands, until cancelled."""
        last = b"0"
        places = asyncio.Semaphore(AT_ONCE)
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    async with asyncio.timeout(REDIS_TIMEOUT_S + READ_BLOCK_MS / 1000):
                        found = await self.redis.xread(
                            {wire.commands_key(self.name): last}, count=AT_ONCE, block=READ_BLOCK_MS
                        )
                except (RedisError, OSError, TimeoutError) as error:
                    log.warning("node.commands_unreadable", reason=type(error).__name__)
                    await asyncio.sleep(RETRY_S)
                    continue
                for _, entries in entries_of(found):
                    for entry_id, fields in entries:
                        last = entry_id
                        await places.acquire()
                        task = tasks.create_task(self._obey(entry_id, fields), name="node.command")
                        task.add_done_callback(lambda _: places.release())

    async def _obey(self, entry_id: bytes, fields: dict[bytes, bytes]) -> None:
        try:
            order = command.decode_command(fields.get(wire.COMMAND_FIELD, b""))
        except command.Unreadable as error:
            log.error("node.command_unreadable", reason=str(error))
            await self._forget(entry_id)
            return
        reply = await self._carry_out(order)
        log.info("node.command", command=type(order.body).__name__, accepted=reply.accepted, reason=reply.reason)
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                pipe = self.redis.pipeline()
                pipe.rpush(wire.reply_key(order.id), command.encode(reply))
                pipe.expire(wire.reply_key(order.id), wire.REPLY_TTL_S)
                pipe.xdel(wire.commands_key(self.name), entry_id)
                await pipe.execute()
        except (RedisError, OSError, TimeoutError):
            log.warning("node.reply_lost", command_id=str(order.id))

    async def _carry_out(self, order: command.Command) -> command.Reply:
        if time.time() >= order.expires_at:
            return command.Reply(order.id, accepted=False, reason="late")
        match order.body:
            case command.Dial() as dial:
                try:
                    session = await self.dialer.dial(dial)
                except DialRefused as error:
                    return command.Reply(order.id, accepted=False, reason=error.code)
                return command.Reply(order.id, accepted=True, state=str(session.state))
            case command.HangUp(call_id=call_id, org_id=org_id, reason=reason):
                call = self.calls.get(call_id)
                if call is None or call.plan.org_id != org_id:
                    return command.Reply(order.id, accepted=False, reason="call_not_here")
                call.put(HangUpAsked(reason))
                return command.Reply(order.id, accepted=True, state=str(call.state))
            case command.UsePrompt(org_id=org_id, prompt=prompt, calls=told):
                taken = []
                for one in told:
                    call = self.calls.get(one.call_id)
                    if call is not None and call.plan.org_id == org_id:
                        call.put(PromptChanged(prompt, one.variables))
                        taken.append(one.call_id)
                return command.Reply(order.id, accepted=True, calls=tuple(taken))
            case command.Fund(org_id=org_id, calls=funds):
                here = []
                for other in funds:
                    call = self.calls.get(other.call_id)
                    if call is not None and call.plan.org_id == org_id:
                        call.put(FundsChanged(other.funded_s))
                        here.append(other.call_id)
                return command.Reply(order.id, accepted=True, calls=tuple(here))
            case command.Drain():
                self.calls.draining = True
                return command.Reply(order.id, accepted=True)

    async def _forget(self, entry_id: bytes) -> None:
        try:
            async with asyncio.timeout(REDIS_TIMEOUT_S):
                await self.redis.xdel(wire.commands_key(self.name), entry_id)
        except (RedisError, OSError, TimeoutError):
            log.warning("node.forget_failed")
