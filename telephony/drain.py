"""How a node that is told to stop lets go of its calls: refuse new ones, wait, say goodbye, hang up, leave the rest.

What is left then is on disk: the next start uploads recordings and publishes events (telephony/recovery.py). Each
further order to stop skips to the next step, so a person in a hurry is never held up by a call.
"""

import asyncio
from typing import Final

import structlog

from telephony.call.ending import EndsSoon, Why
from telephony.call.signals import CallSignal, HangUpAsked, SayGoodbye
from telephony.calls import Calls

log = structlog.get_logger()

GOODBYE_S: Final = 12.0  # a sentence, the answer to it, and the line's own end
CLOSE_S: Final = 15.0  # after the hang-up: the carrier's last word, and recordings to the store


async def drain(calls: Calls, drain_s: float, hurry: asyncio.Event) -> int:
    """End all calls in order; returns how many had to be left to the next start.

    Args:
        calls: refused from here on.
        drain_s: how long live calls may go on, their goodbye included.
        hurry: set by whoever wants the next step now; cleared here.
    """
    calls.draining = True
    if len(calls):
        log.info("voice.draining", calls=len(calls), drain_s=drain_s)
    goodbye_s = min(GOODBYE_S, drain_s)
    _tell(calls, EndsSoon(Why.NODE_STOPS, drain_s))
    if await _wait(calls, drain_s - goodbye_s, hurry):
        return 0
    _tell(calls, EndsSoon(Why.NODE_STOPS, goodbye_s))
    _tell(calls, SayGoodbye())
    if await _wait(calls, goodbye_s, hurry):
        return 0
    _tell(calls, HangUpAsked("node_stopping"))
    if await _wait(calls, CLOSE_S, hurry):
        return 0
    left = calls.abandon()
    log.warning("voice.calls_left", calls=left)
    await calls.wait_empty(CLOSE_S)
    return left


async def _wait(calls: Calls, timeout_s: float, hurry: asyncio.Event) -> bool:
    """Wait for the last call's end, for the time, or for somebody in a hurry; True when no call is left."""
    async with asyncio.TaskGroup() as tasks:
        waits = [tasks.create_task(calls.wait_empty(timeout_s)), tasks.create_task(_hasten(hurry))]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
    return len(calls) == 0


async def _hasten(hurry: asyncio.Event) -> None:
    await hurry.wait()
    hurry.clear()


def _tell(calls: Calls, signal: CallSignal) -> None:
    for call in calls.live():
        call.put(signal)
