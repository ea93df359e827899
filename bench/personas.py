"""Every persona several times through the running system: does each call end as it should, and is what we say true?"""

import asyncio
import os
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

import httpx

from agent.speech_process import SpeechProcess
from bench.calls import place_call
from bench.truth import VOICE, Compared, compare_turns, compare_words, misaligned_ms, read_recording

BETWEEN_DIALS_S: Final = 1.0  # a dial a second is what carriers grant


@dataclass(frozen=True, slots=True)
class Expected:
    state: str
    outcomes: tuple[str, ...]
    answered_by: str | None
    lead_status: str | None
    charged: bool
    barge_ins: tuple[int, int] = (0, 0)  # at least, at most
    do_not_call: bool = False


TABLE: Final[Mapping[str, Expected]] = {
    "eager": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "busy": Expected("failed", ("line_busy",), None, "retry_later", False),
    "in_a_hurry": Expected("ended", ("callback_requested",), "human", "callback_scheduled", True),
    "objector": Expected("ended", ("not_interested", "goal_reached"), "human", None, True, (0, 9)),
    "interrupter": Expected("ended", ("goal_reached",), "human", "meeting_booked", True, (1, 9)),
    "backchannel": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "hesitant": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "speakerphone_echo": Expected("ended", ("goal_reached",), "human", "meeting_booked", True, (1, 1)),
    "noisy_street": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "opt_out": Expected("ended", ("opted_out",), "human", "do_not_call", True, do_not_call=True),
    "silent": Expected("ended", ("no_response",), "unknown", "retry_later", True),
    "voicemail": Expected("ended", ("message_left",), "machine", "retry_later", True),
    "no_answer": Expected("failed", ("no_answer",), None, "retry_later", False),
    "screening": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    "voicemail_pickup": Expected("ended", ("goal_reached",), "human", "meeting_booked", True, (1, 2)),
    "voicemail_unseen": Expected("ended", ("message_left",), "machine", "retry_later", True),
    "menu": Expected("ended", ("goal_reached",), "human", "meeting_booked", True, (0, 1)),
}


def faults(summary: Mapping[str, Any], expected: Expected) -> list[str]:
    """Return what of a call is not as its persona should make it."""
    if "error" in summary:
        return [str(summary["error"])]
    found = []
    for name, value, wanted in (
        ("state", summary["state"], (expected.state,)),
        ("outcome", summary["outcome"], expected.outcomes),
        ("answered_by", summary["answered_by"], (expected.answered_by,)),
        ("charged", summary["ledger"]["settled"] > 0, (expected.charged,)),
        ("lead", summary["lead"]["status"], (expected.lead_status or summary["lead"]["status"],)),
        ("do_not_call", summary["lead"]["do_not_call"], (expected.do_not_call,)),
    ):
        if value not in wanted:
            found.append(f"{name} is {value!r}, not {' or '.join(map(repr, wanted))}")
    fewest, most = expected.barge_ins
    if not fewest <= len(summary["barge_ins"]) <= most:
        found.append(f"{len(summary['barge_ins'])} barge-ins, not {fewest} to {most}")
    return found


def bad_manners(compared: Compared) -> list[str]:
    """Return how the agent was rude, as the carrier heard it."""
    found = [f"spoke into somebody's sentence for {ms:.0f} ms" for ms in compared.cut_ins_ms]
    return found + [f"stopped for nothing at {ms:.0f} ms" for ms in compared.stops_for_nothing_ms]


def run_personas(
    times: int,
    at_once: int,
    carrier: str,
    table: Mapping[str, Expected] = TABLE,
    environment: Mapping[str, str] = os.environ,
    agent: str = "",
    voice: str = VOICE,
) -> tuple[list[str], int, int]:
    """Place every persona's call `times` times, `at_once` at a time; return lines, calls as expected, all calls.

    `environment`: that of the system that calls; `agent`: who calls, if not its first, with `voice`.
    """
    names = [name for _ in range(times) for name in table]
    with ThreadPoolExecutor(at_once) as pool:
        waiting = []
        for name in names:
            waiting.append(pool.submit(place_call, name, environment, agent))
            time.sleep(BETWEEN_DIALS_S)
        summaries = [future.result() for future in waiting]
    compared = asyncio.run(_compare_all(summaries, carrier, voice))
    lines, good = [], 0
    for name, summary, account in zip(names, summaries, compared, strict=True):
        wrong = faults(summary, table[name]) + (bad_manners(account) if account is not None else [])
        good += not wrong
        lines += [f"{name}: {fault} ({summary.get('call_id', '')})" for fault in wrong or ["as expected"]]
    lines += [f"{good} of {len(names)} as expected"]
    lines += _figures([account for account in compared if account is not None])
    return lines, good, len(names)


async def _compare_all(summaries: list[dict[str, Any]], carrier: str, voice: str) -> list[Compared | None]:
    """Ask the carrier about each call; None for those that nobody answered."""
    found: list[Compared | None] = []
    async with SpeechProcess() as speech, httpx.AsyncClient(base_url=carrier, timeout=10) as box:
        for summary in summaries:
            sid = summary.get("carrier_call_id")
            if not sid or not (summary.get("recording") or {}).get("path"):
                found.append(None)
                continue
            truth = (await box.get(f"/box/calls/{sid}")).json()
            compared = compare_turns(summary, truth)
            compared.word_errors = await compare_words(summary, truth, speech, voice)
            heard = (await box.get(f"/box/calls/{sid}/heard.wav")).content
            said = (await box.get(f"/box/calls/{sid}/said.wav")).content
            recording = await asyncio.to_thread(read_recording, summary)
            compared.misaligned_ms = misaligned_ms(recording, heard, said)
            found.append(compared)
    return found


def _figures(compared: list[Compared]) -> list[str]:
    rows: list[tuple[str, list[float]]] = [
        ("response at the carrier, ms", [ms for one in compared for ms in one.response_ms]),
        ("our response minus the carrier's, ms", [ms for one in compared for ms in one.response_error_ms]),
        ("barge-in to silence at the carrier, ms", [ms for one in compared for ms in one.stopped_after_ms]),
        ("spoke into a sentence, ms", [ms for one in compared for ms in one.cut_ins_ms]),
        ("stopped for nothing, at ms", [ms for one in compared for ms in one.stops_for_nothing_ms]),
        ("heard words off", [float(n) for one in compared for n in one.word_errors]),
        ("recording's worst lag, ms", [ms for one in compared for ms in one.misaligned_ms]),
    ]
    lines = [f"{'':<42}{'n':>5}{'min':>8}{'p50':>8}{'p95':>8}{'max':>8}"]
    for name, values in rows:
        if values:
            ordered = sorted(values)
            p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
            lines.append(
                f"{name:<42}{len(values):>5}{ordered[0]:>8.0f}{median(values):>8.0f}{p95:>8.0f}{ordered[-1]:>8.0f}"
            )
    return lines
