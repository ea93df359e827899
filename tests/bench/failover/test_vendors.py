"""The providers' processes: where they are, what they tell, and that one that is killed comes back at its port."""

import asyncio
import contextlib
import os
import signal
from urllib.parse import urlsplit

import httpx
import pytest

from bench.failover.case import KILLED, draw
from bench.failover.vendor import ROLES, Setting
from bench.failover.vendors import Vendors, vendor_processes
from bench.server_process import ServerFailed

SEED = 1
SETTING = Setting(SEED, 1, bytes(1_600), 0)
pytestmark = pytest.mark.timeout(60)


def killing_model() -> str:
    """Return the key of a call that has its first model killed in its first answer."""
    for number in range(3_000):
        case = draw(number, SEED, 1)
        if (case.victim, case.fault) == ("model", KILLED):
            return case.key
    pytest.fail("no such case")


async def ask(vendors: Vendors, key: str) -> str:
    """Have the first model answer. Raises httpx.HTTPError: it broke off, or is not there."""
    body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "hello"}]}
    async with httpx.AsyncClient(base_url=vendors.urls["openai"], trust_env=False, timeout=10) as client:
        reply = await client.post("/chat/completions", json=body, headers={"authorization": f"Bearer {key}"})
        return reply.text


async def test_one_that_is_killed_in_mid_answer_is_away_and_comes_back_and_kills_itself_no_more() -> None:
    key = killing_model()
    async with vendor_processes(SETTING) as vendors:
        assert len(vendors.urls) == len(ROLES)
        assert len({urlsplit(url).port for url in vendors.urls.values()}) == len(ROLES)
        with pytest.raises(httpx.RemoteProtocolError):
            await ask(vendors, key)
        with pytest.raises(httpx.ConnectError):
            await ask(vendors, key)
        text = ""
        async with asyncio.timeout(20):
            while not text:
                with contextlib.suppress(httpx.ConnectError):
                    text = await ask(vendors, key)
        assert "[DONE]" in text
        assert [strike.fault for _, strike in vendors.strikes] == [KILLED]
        (at, strike) = vendors.strikes[0]
        assert vendors.struck(strike.call) == vendors.killed(at - 1, at + 1) == ("openai:m",)
        assert vendors.killed(at + 1, at + 2) == ()


async def test_providers_that_end_by_themselves_void_the_run() -> None:
    async def kill() -> None:
        async with vendor_processes(SETTING) as vendors:
            os.kill(vendors.pid, signal.SIGTERM)
            async with asyncio.timeout(10):
                await vendors.gone.wait()

    with pytest.raises(ServerFailed, match="ended by themselves"):
        await kill()
