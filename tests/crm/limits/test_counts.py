"""Counting with Redis and without."""

import asyncio
import threading
from pathlib import Path

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from crm.limits import counts
from crm.limits.counts import Counts, MemoryCounts
from salesos.embedded.redis import EmbeddedRedis


async def test_processes_count_together(redis: Redis, own_redis_url: str) -> None:
    first, second = Counts(own_redis_url), Counts(own_redis_url)
    assert [await first.add("x", 60), await second.add("x", 60), await first.add("y", 60)] == [1, 2, 1]
    [key] = [key async for key in redis.scan_iter("limit*x")]
    assert 0 < await redis.ttl(key) <= 60
    await first.aclose()
    await second.aclose()


async def test_without_redis_each_process_counts_for_itself(unused_tcp_port: int) -> None:
    here = Counts(f"redis://127.0.0.1:{unused_tcp_port}/0")
    with capture_logs() as logs:
        assert [await here.add("x", 60) for _ in range(3)] == [1, 2, 3]
    assert [line["event"] for line in logs] == ["limits.redis_away"], "it is told once"
    await here.aclose()


async def test_redis_restarted_under_load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request gets a count, whatever Redis does meanwhile; and it is Redis that counts again afterwards."""
    monkeypatch.setattr(counts, "AWAY_S", 0.05)
    server = EmbeddedRedis(tmp_path)
    here = Counts(server.start())
    given: list[int] = []
    over = threading.Event()

    async def ask() -> None:
        while not over.is_set():
            given.append(await here.add("x", 3600))
            await asyncio.sleep(0)

    def restart() -> None:
        server.stop()
        server.start()

    try:
        with capture_logs() as logs:
            async with asyncio.TaskGroup() as tasks:
                asking = [tasks.create_task(ask()) for _ in range(8)]
                for _ in range(2):
                    await asyncio.to_thread(restart)
                    given += [await here.add("x", 3600) for _ in range(100)]
                over.set()
            while logs[-1]["event"] != "limits.redis_back":
                await here.add("x", 3600)
                await asyncio.sleep(0.01)
        assert all(task.exception() is None for task in asking)
        assert min(given) >= 1
    finally:
        await here.aclose()
        server.stop()


def test_memory_forgets_who_was_not_seen_for_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "KEYS_MAX", 3)
    memory = MemoryCounts()
    assert [memory.add(key) for key in "abcab"] == [1, 1, 1, 2, 2]
    assert memory.add("d") == 1  # c is forgotten
    assert [memory.add(key) for key in "adc"] == [3, 2, 1]
