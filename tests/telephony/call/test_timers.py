"""Timers by name: the newest of a name counts, and none outlives its call."""

import asyncio

from telephony.call import signals as sig
from telephony.call.timers import Timers


async def test_a_new_timer_takes_the_place_of_its_namesake_and_stop_ends_all() -> None:
    put: list[sig.CallSignal] = []
    timers = Timers(put.append)
    timers.set("meter", 0.01, sig.HangUpAsked("old"))
    timers.set("meter", 0.01, sig.HangUpAsked("new"))
    timers.set("guard", 0.01, sig.MeterDue())
    async with asyncio.timeout(5):
        while len(put) < 2:  # noqa: ASYNC110 - a list wakes nobody
            await asyncio.sleep(0.005)
    assert put == [sig.HangUpAsked("new"), sig.MeterDue()]
    timers.set("late", 0.01, sig.MeterDue())
    timers.stop()
    await asyncio.sleep(0.03)
    assert len(put) == 2
