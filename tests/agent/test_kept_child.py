"""A worker process that is kept running; the rest of it is seen in tests/agent/turns/test_judge.py."""

import asyncio
import sys

import pytest

from agent import kept_child, worker_frames
from agent.kept_child import KeptChild

DEAF = "import sys,time;o=sys.stdout.buffer;o.write(b'\\0\\0\\0\\2hi');o.flush();time.sleep(600)"
MUTE = "import time;time.sleep(600)"


async def test_a_child_that_takes_nothing_is_killed() -> None:
    lost = asyncio.Event()
    child = KeptChild("test", (sys.executable, "-c", DEAF), lambda _body: None, lost.set)
    async with asyncio.TaskGroup() as tasks:
        keeper = tasks.create_task(child.run())
        async with asyncio.timeout(10):
            await child.settled.wait()
            frame = worker_frames.HEAD.pack(65_536) + bytes(65_536)
            for _ in range(2 * kept_child.UNSENT_BYTES_MAX // len(frame) + 8):
                if not child.send(frame):
                    break
            else:
                pytest.fail("it took everything")
            await lost.wait()
        keeper.cancel()


async def test_a_child_that_never_gets_warm_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_child, "STOP_TIMEOUT_S", 0.05)
    child = KeptChild("test", (sys.executable, "-c", MUTE), lambda _body: None, lambda: None, start_timeout_s=0.05)
    async with asyncio.TaskGroup() as tasks:
        keeper = tasks.create_task(child.run())
        async with asyncio.timeout(10):
            await child.settled.wait()
        assert not child.alive
        assert not child.send(b"")
        keeper.cancel()


async def test_a_child_knows_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESOS_SECRET_KEY", "a secret")
    code = "import os,sys;b=repr(sorted(os.environ)).encode();o=sys.stdout.buffer;"
    code += "o.write(len(b).to_bytes(4,'big')+b);o.flush();sys.stdin.read()"
    seen: list[bytes] = []
    child = KeptChild("test", (sys.executable, "-c", code), seen.append, lambda: None)
    async with asyncio.TaskGroup() as tasks:
        keeper = tasks.create_task(child.run())
        async with asyncio.timeout(10):
            await child.settled.wait()
        keeper.cancel()
    assert b"PATH" in seen[0]
    assert b"SECRET" not in seen[0]
