"""The table of personas: who answers, and what must come of the call."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.personas import TABLE
from salesos.call import Request, place_and_follow
from salesos.data_folder import Running
from salesos.screen import Screen

# Carriers grant a dial a second; half of that keeps the speech engines of a small machine from starting all at once.
BETWEEN_DIALS_S = 2.0

Summaries = Mapping[str, dict[str, Any]]


PERSONAS = tuple(TABLE)
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
        summaries = pool.map(place, range(len(requests)), requests.values())
        return dict(zip(requests, summaries, strict=True))
