"""The table of personas: who answers, and what must come of the call."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import structlog

from bench import manners
from bench.personas import TABLE, faults
from salesos.call import Request, place_and_follow
from salesos.data_folder import Running
from salesos.screen import Screen

log = structlog.get_logger(__name__)

# Carriers grant a dial a second; half of that keeps the speech engines of a small machine from starting all at once.
BETWEEN_DIALS_S = 2.0

Summaries = Mapping[str, dict[str, Any]]


PERSONAS = tuple(TABLE)
# Nobody of these is cut short, and nothing is taken for a voice.
POLITE = ("eager", "interrupter", "hesitant", "speakerphone_echo", "noisy_street")
# Speech is recognised and spoken by the same two cores for all of them: so many may go astray for want of a core, and
# are called once more, alone. More of them are a fault of ours.
CALLED_AGAIN_MAX = 3
HUMAN = "a human voice"


def place_all(running: Running, recording: Path | None) -> Summaries:
    """Place every persona's call at the same time, each on a number of its own; return the summaries.

    `recording`: a human voice, which is called as well (HUMAN) when there is one.
    """
    requests = {persona: Request(persona=persona) for persona in PERSONAS}
    if recording is not None:
        requests[HUMAN] = Request(caller_wav=recording)

    def place(place_in_line: int, request: Request) -> dict[str, Any]:
        time.sleep(place_in_line * BETWEEN_DIALS_S)
        request = replace(request, to=f"+121255501{place_in_line:02d}")
        return place_and_follow(running, request, Screen(to_stderr=True), time.sleep)

    with ThreadPoolExecutor(len(requests)) as pool:
        placed = pool.map(place, range(len(requests)), requests.values())
        summaries = dict(zip(requests, placed, strict=True))
    astray = [persona for persona in PERSONAS if wrong(persona, summaries[persona], running)]
    if len(astray) <= CALLED_AGAIN_MAX:
        for place_in_line, persona in enumerate(astray):
            log.warning("called once more, alone", persona=persona, wrong=wrong(persona, summaries[persona], running))
            request = replace(requests[persona], to=f"+121255502{place_in_line:02d}")
            summaries[persona] = place_and_follow(running, request, Screen(to_stderr=True), time.sleep)
    return summaries


def wrong(persona: str, summary: Mapping[str, Any], running: Running) -> list[str]:
    """What of a call is not as a person would expect."""
    found = faults(summary, TABLE[persona])
    if persona in POLITE and not found:
        cut_ins, stops = manners_of(summary, running)
        found += [f"cut in: {ms} ms" for ms in cut_ins] + [f"stopped for nothing at {ms} ms" for ms in stops]
    return found


def manners_of(summary: Mapping[str, Any], running: Running) -> tuple[list[float], list[float]]:
    """By the carrier's account: for how long the agent spoke into sentences, and when it stopped for nothing."""
    url = f"{running.carrier}/box/calls/{summary['carrier_call_id']}"
    truth = httpx.get(url, timeout=10, trust_env=False).raise_for_status().json()
    return manners.cut_ins_ms(truth), manners.stops_for_nothing_ms(truth)
