"""`salesos bench people`: a server of its own on one core, prospects, browsers and listeners on another."""

import asyncio
import os
import time
from collections.abc import Callable
from typing import Final

from bench.carrier_client import Tally
from bench.load_report import faults_of, spread
from bench.load_run import Cores
from bench.people import measures
from bench.people.figures import Report
from bench.people.measures import Size
from bench.people.page import PageFailed
from bench.people.phone import BadAnswer
from bench.people.scene import Scene
from bench.process_meter import core_use
from bench.server_process import Server, ServerFailed, our_command, running
from bench.stream_socket import StreamRefused
from bench.utterance import Utterance, speak_two_seconds
from telephony.softphone.peer import PeerFailed

CALLS_MAX: Final = 100  # that the server takes; never so many are live


async def measure(size: Size, cores: Cores, tell: Callable[[str], None]) -> Report:
    """Measure everything once; `tell` hears of each part.

    Raises:
        ServerFailed: the server did not come up, or did not do as it was asked.
    """
    utterance = await asyncio.to_thread(speak_two_seconds)
    os.sched_setaffinity(0, {cores.client})
    async with running(our_command(CALLS_MAX, cores.server)) as server:
        report: Report | None = None
        failed: BaseException | None = None
        try:
            report = await _run(server, size, cores, utterance, tell)
        except* (StreamRefused, PageFailed, BadAnswer, PeerFailed, OSError, TimeoutError, ValueError) as group:
            failed = group
        if report is None:
            # Of what went wrong together, what came first led to the rest.
            while isinstance(failed, BaseExceptionGroup):
                failed = failed.exceptions[0]
            raise ServerFailed(f"{type(failed).__name__}: {failed}")
        return report


async def _run(server: Server, size: Size, cores: Cores, utterance: Utterance, tell: Callable[[str], None]) -> Report:
    tally = Tally(open=True)
    begun, machine = time.monotonic(), [core_use(core) for core in (cores.server, cores.client)]
    async with asyncio.TaskGroup() as tasks:
        scene = Scene(server, tasks, tally)
        sound = await measures.mouth_to_ear(scene, size)
        tell(f"mouth to ear measured: {sound.spoken} bursts")
        clicks = await measures.click_to_audio(scene, size.clicks, utterance)
        tell(f"clicks measured: {len(clicks)}")
        core_per_listener, listened = await measures.listeners(scene, size, utterance)
        tell(f"{size.listeners} listeners measured")
        core_per_leg = await measures.core_per_leg(scene, size, utterance)
        tell(f"{size.legs} people by WebRTC measured")
        scene.close()
    passed = time.monotonic() - begun
    stolen_s = [
        core_use(core).since(before).stolen_s
        for core, before in zip((cores.server, cores.client), machine, strict=True)
    ]
    void = faults_of(passed, stolen_s, spread(tally.late_ms).p99 or 0.0)
    return Report(sound, spread(clicks), core_per_leg, core_per_listener, listened, size.legs, size.listeners, void)
