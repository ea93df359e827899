"""Kills what takes events, what does jobs, and the database, at random moments under load, and looks what is left.

Each round places some calls, publishes what their voice process would say, and amid that kills one of the three by
SIGKILL and starts it again at once; the next round begins when events are being taken again. At the end everything
that is on its way must arrive, and everything must have happened once.
"""

import asyncio
import random
import secrets
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Protocol

import msgspec
from redis.asyncio import Redis

from bench.crm.kill_check import FAULTS, WAITING, WHOLE, ask, finished, hurry
from bench.crm.placed_calls import Org, dial, found, story
from bench.crm.victims import Receiver, Victim
from bench.servers import MortalPostgres, Servers
from crm.bus import open_redis
from crm.database import Sessions, open_engine, open_sessions
from crm.migrate import migrate
from crm.unit_of_work import UnitOfWork
from crm.webhooks.usecases import add_webhook
from events import call as happenings
from events import wire
from events.call import Event

ORGANISATIONS: Final = 4
CALLS: Final = 10  # of a round
KILL_WITHIN_S: Final = 1.5
# Faster than the events of a round need to be taken, slower than all at once.
EVENTS_A_TICK: Final = 8
TICK_S: Final = 0.015
UP_WITHIN_S: Final = 60.0
MOVING_WITHIN_S: Final = 60.0
# A worker's jobs are taken up a minute and a half after it died, and notes after three minutes.
DONE_WITHIN_S: Final = 300.0
POLL_S: Final = 0.1


class KillFailed(Exception):
    """The bench could not go on; the message says where, with the end of a log."""


class Mortal(Protocol):
    def kill(self) -> None: ...
    def start(self) -> None: ...


class KillReport(msgspec.Struct, frozen=True):
    kills: dict[str, int]  # by what was killed
    calls: int
    events: int
    slowest_s: float  # from a kill until events were taken again
    seconds: float
    posted_again: int  # webhooks: at least once, told apart by the event's id
    faults: dict[str, int]  # what is wrong, and how many

    @property
    def good(self) -> bool:
        return not self.faults


class _Scene:
    """What is running, and what was placed."""

    def __init__(self, sessions: Sessions, redis: Redis, crm: Victim, worker: Victim, seed: int) -> None:
        self.sessions = sessions
        self.redis = redis
        self.crm, self.worker = crm, worker
        self.chance = random.Random(seed)  # noqa: S311 - moments, no secrets
        self.orgs: list[Org] = []
        self.slowest_s = 0.0
        self.calls = 0

    async def play(self, mortal: Mortal) -> None:
        """Play a round in which one is killed. Raises KillFailed."""
        calls = [await dial(self.sessions, self.chance.choice(self.orgs)) for _ in range(CALLS)]
        self.calls += len(calls)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._publish(calls), name="bench.publish")
            await asyncio.sleep(self.chance.uniform(0, KILL_WITHIN_S))
            killed_at = time.monotonic()
            mortal.kill()
            mortal.start()
            before = await self._taken(calls)
            await self.wait_up()
        await self._wait_moving(calls, before)
        self.slowest_s = max(self.slowest_s, time.monotonic() - killed_at)

    async def _publish(self, calls: Sequence[Event]) -> None:
        """Publish all events of the calls, those of each in order, the calls' by chance."""
        left = [(call, seq, body) for call in calls for seq, body in enumerate(story(), 1)]
        # A shuffle that keeps each call's own order: whose turn it is is drawn, not what they say.
        waiting = {call.call_id: [item for item in left if item[0] is call] for call in calls}
        turns = [call.call_id for call, _, _ in left]
        self.chance.shuffle(turns)
        for first in range(0, len(turns), EVENTS_A_TICK):
            async with self.redis.pipeline(transaction=False) as pipeline:
                for call_id in turns[first : first + EVENTS_A_TICK]:
                    call, seq, body = waiting[call_id].pop(0)
                    raw = happenings.encode(msgspec.structs.replace(call, seq=seq, body=body))
                    pipeline.xadd(wire.event_stream(call_id), {wire.EVENT_FIELD: raw})
                await pipeline.execute()
            await asyncio.sleep(TICK_S)

    async def _taken(self, calls: Sequence[Event]) -> int:
        """Return how many events of the calls are marked as committed."""
        keys = [wire.committed_key(call.org_id, call.call_id) for call in calls]
        marks = await self.redis.mget(keys)
        # Bytes in our client, whatever its declared type covers.
        return sum(int(mark.rpartition(b":")[2]) for mark in marks if isinstance(mark, bytes))

    async def wait_up(self) -> None:
        """Wait until both processes have said so. Raises KillFailed."""
        deadline = time.monotonic() + UP_WITHIN_S
        while not (self.crm.up and self.worker.up):
            for victim in (self.crm, self.worker):
                if victim.ended or time.monotonic() > deadline:
                    raise KillFailed(f"{victim.name} is not up again:\n{victim.last_words()}")
            await asyncio.sleep(POLL_S)

    async def _wait_moving(self, calls: Sequence[Event], before: int) -> None:
        deadline = time.monotonic() + MOVING_WITHIN_S
        while (taken := await self._taken(calls)) <= before and taken < WHOLE * len(calls):
            if time.monotonic() > deadline:
                raise KillFailed(f"no event was taken for {MOVING_WITHIN_S:.0f} s:\n{self.crm.last_words()}")
            await asyncio.sleep(POLL_S)


async def kill_often(
    servers: Servers, folder: Path, kills: int, seed: int, tell: Callable[[str], None], *, patient: bool = True
) -> KillReport:
    """Kill so often, the three in turns whose order is drawn; without `patient` time is let pass at the end.

    Blocks while servers start. Raises KillFailed.
    """
    began = time.monotonic()
    with ExitStack() as stack:
        postgres, redis_url = _open_servers(servers, folder, stack)
        receiver = stack.enter_context(Receiver.open())
        key = secrets.token_hex(32)
        settings = {
            "DATABASE_URL": postgres.database.app_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": key,
            "INTERNAL_KEY": secrets.token_hex(32),
            "DATA_DIR": str(folder / "data"),
            "CRM_PORT": str(_free_port()),
            "WEBHOOK_NETWORKS": '["127.0.0.0/8"]',
        }
        crm, worker = (Victim(name, settings, folder) for name in ("crm", "worker"))
        for victim in (crm, worker):
            stack.callback(victim.stop)
            victim.start()
        engine = open_engine(postgres.database.app_url)
        redis = open_redis(redis_url)
        try:
            scene = _Scene(open_sessions(engine), redis, crm, worker, seed)
            await scene.wait_up()
            for number in range(ORGANISATIONS):
                org = await found(scene.sessions, number)
                await add_webhook(receiver.url, ["call.finished"], UnitOfWork(scene.sessions, org.id), key)
                scene.orgs.append(org)
            mortals: dict[str, Mortal] = {"consumer": crm, "worker": worker, "database": postgres}
            counted = dict.fromkeys(mortals, 0)
            for number in range(1, kills + 1):
                # Each as often as the others, in no order.
                fewest = min(counted.values())
                name = scene.chance.choice([one for one, many in counted.items() if many == fewest])
                counted[name] += 1
                await scene.play(mortals[name])
                tell(f"kill {number} of {kills}: {name}; {time.monotonic() - began:.1f} s, {scene.calls} calls")
            if not patient:
                worker.stop()
                hurry(postgres.database.admin_url)
                worker.start()
            left = await _wait_done(postgres.database.admin_url)
        finally:
            await redis.aclose()
            await engine.dispose()
        faults = {f"still waiting: {name}": many for name, many in left.items()}
        faults |= ask(postgres.database.admin_url, FAULTS)
        if lost := sum(not receiver.posted[event_id] for event_id in finished(postgres.database.admin_url)):
            faults["finished calls that the webhook was not told of"] = lost
    again = sum(many - 1 for many in receiver.posted.values())
    seconds = round(time.monotonic() - began, 1)
    return KillReport(counted, scene.calls, scene.calls * WHOLE, round(scene.slowest_s, 1), seconds, again, faults)


def told(report: KillReport) -> str:
    """Return the report for people."""
    killed = ", ".join(f"{name} {many}" for name, many in report.kills.items())
    lines = [
        f"killed: {killed}; {report.calls} calls, {report.events} events, {report.seconds:.0f} s",
        f"from a kill until events were taken again: {report.slowest_s:.1f} s at most",
        f"posted to webhooks more than once: {report.posted_again}",
    ]
    lines += [f"FAULT {many} {name}" for name, many in report.faults.items()]
    return "\n".join([*lines, "faults" if report.faults else "nothing was lost, and nothing happened twice"])


def _open_servers(servers: Servers, folder: Path, stack: ExitStack) -> tuple[MortalPostgres, str]:
    """Start a Postgres with our schema and a Redis; return it, and the other's address."""
    # Postgres may run as another user, who has to reach its own folder.
    folder.chmod(0o711)
    postgres = stack.enter_context(servers.mortal_postgres(folder / "postgres"))
    migrate(postgres.database.owner_url, postgres.database.app_role)
    return postgres, stack.enter_context(servers.redis(folder / "redis"))


async def _wait_done(admin_url: str) -> dict[str, int]:
    """Wait until nothing is to be done, and return what is all the same after DONE_WITHIN_S."""
    deadline = time.monotonic() + DONE_WITHIN_S
    while left := ask(admin_url, WAITING):
        if time.monotonic() > deadline:
            return left
        await asyncio.sleep(POLL_S)
    return {}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
