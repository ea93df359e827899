"""The table of personas: who answers, and what must come of the call."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from salesos.call import Request, place_and_follow
from salesos.data_folder import Running
from salesos.screen import Screen

# Carriers grant a dial a second; half of that keeps the speech engines of a small machine from starting all at once.
BETWEEN_DIALS_S = 2.0

Summaries = Mapping[str, dict[str, Any]]


@dataclass(frozen=True)
class Expected:
    state: str
    outcomes: tuple[str, ...]
    answered_by: str | None
    lead_status: str | None
    charged: bool


TABLE: Mapping[str, Expected] = {
    "eager": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "busy": Expected("failed", ("line_busy",), None, "retry_later", False),
    "in_a_hurry": Expected("ended", ("callback_requested",), "human", "callback_scheduled", True),
    "objector": Expected("ended", ("not_interested", "goal_reached"), "human", None, True),
    "interrupter": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "backchannel": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "opt_out": Expected("ended", ("opted_out",), "human", "do_not_call", True),
    "silent": Expected("ended", ("no_response",), "unknown", "retry_later", True),
    "voicemail": Expected("ended", ("message_left",), "machine", "retry_later", True),
    "no_answer": Expected("failed", ("no_answer",), None, "retry_later", False),
}
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
