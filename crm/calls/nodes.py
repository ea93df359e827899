"""Voice nodes as the CRM sees them: which are alive, and commands to one with its answer."""

import time
from collections import Counter
from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec
import structlog
from redis.asyncio import Redis

from crm.bus import REDIS_AWAY
from crm.refusals import Refusal
from events import command, wire
from events.command import Command, Reply
from events.wire import NodeReport

REPLY_TIMEOUT_S: Final = 5
NODES_MAX: Final = 1_000
# A node that is gone leaves its stream behind; it must not grow for ever.
COMMANDS_MAX: Final = 10_000

log = structlog.get_logger()


class RedisAway(Refusal):
    """Redis did not answer before anything was sent: nothing was done."""

    def __init__(self) -> None:
        super().__init__("redis_away")


class NoVoiceNode(Refusal):
    """No voice node is alive with room for a call; the details count what each of them says."""

    def __init__(self, said: Mapping[str, int]) -> None:
        super().__init__("no_voice_node", {"nodes": dict(said)})


class VoiceNodes:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def least_loaded(self, besides: Collection[str] = ()) -> str:
        """Return the live node with the most room, but none of `besides`.

        Raises:
            NoVoiceNode: all are full, loaded, draining or gone.
            RedisAway
        """
        reports = await self.reports()
        free = [report for report in reports if not _refusal(report) and report.node not in besides]
        if not free:
            raise NoVoiceNode(Counter(_refusal(report) or "node_full" for report in reports))
        return min(free, key=lambda report: (_fullness(report), report.node)).node

    async def reports(self) -> list[NodeReport]:
        """Return what all live nodes announce of themselves. Raises RedisAway."""
        try:
            keys = [key async for key in self._redis.scan_iter(match=wire.NODE_PATTERN, count=NODES_MAX)]
            values: list[Any] = await self._redis.mget(keys) if keys else []
        except REDIS_AWAY:
            raise RedisAway from None
        return [report for value in values if (report := _read_report(value)) is not None]

    async def report_of(self, node: str) -> NodeReport | None:
        """Return what a node announces of itself; None when it has not for some seconds. Raises RedisAway."""
        try:
            raw: Any = await self._redis.get(wire.node_key(node))
        except REDIS_AWAY:
            raise RedisAway from None
        return _read_report(raw)

    async def ask(self, node: str, order: Command) -> Reply | None:
        """Send a command and return its answer; None when none came in time, so that it may yet be carried out."""
        reply_key = wire.reply_key(order.id)
        try:
            await self._redis.xadd(
                wire.commands_key(node),
                {wire.COMMAND_FIELD: command.encode(order)},
                maxlen=COMMANDS_MAX,
                approximate=True,
            )
            answer: Any = await self._redis.brpop([reply_key], timeout=REPLY_TIMEOUT_S)
        except REDIS_AWAY as error:
            # It may have been written: whoever asks must treat the command as given.
            log.warning("command.in_doubt", node=node, command_id=str(order.id), error=type(error).__name__)
            return None
        if answer is None:
            log.warning("command.unanswered", node=node, command_id=str(order.id))
            return None
        try:
            return command.decode_reply(answer[1])
        except command.Unreadable:
            log.error("command.unreadable_reply", node=node, command_id=str(order.id))
            return None


def expires_at(lifetime_s: float) -> float:
    """Return the Unix time after which a command given now is not carried out."""
    return time.time() + lifetime_s


def _refusal(report: NodeReport) -> str:
    """Return why a node would refuse a call; empty when it has room."""
    if report.draining:
        return "node_draining"
    if report.calls >= report.capacity:
        return "node_full"
    return report.refuses


def _fullness(report: NodeReport) -> float:
    """0 is idle, 1 is full: by its load, or by the number of its calls."""
    return max(report.load, report.calls / report.capacity)


def _read_report(raw: bytes | None) -> NodeReport | None:
    if raw is None:
        return None
    try:
        return msgspec.msgpack.decode(raw, type=NodeReport)
    except msgspec.MsgspecError:
        try:
            return msgspec.json.decode(raw, type=NodeReport)
        except msgspec.MsgspecError:
            log.error("node.unreadable_report")
            return None
