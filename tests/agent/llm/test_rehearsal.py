"""Every vendor's SDK reads the sample of its own stream, so that the first caller does not wait for it to be built."""

import asyncio

import pytest

from agent.llm.registry import VENDORS, load_provider
from agent.llm.rehearsal import rehearse


@pytest.mark.parametrize("vendor", sorted(VENDORS))
async def test_a_vendor_s_sdk_answers_in_memory(vendor: str) -> None:
    make = await load_provider(vendor)
    assert await asyncio.to_thread(rehearse, vendor, make) >= 2  # the word, and its end


async def test_what_cannot_be_rehearsed_is_left_as_it_is() -> None:
    make = await load_provider("anthropic")
    assert await asyncio.to_thread(rehearse, "acme", make) == 0
    assert await asyncio.to_thread(rehearse, "gemini", make) == 0  # another vendor's stream
