"""Is a call whole whose voice process was killed? Its recording against the carrier's copy, its events against the
journal that the killed process left, its money against the events. Sans-I/O.
"""

import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

import msgspec

from bench.completeness import Found, find, read_wav
from events import call as events
from events.call import State
from media.frame import RATE_HZ

LOSS_MAX_MS: Final = 1_000  # what a killed process may lose of a recording
LINE_MS: Final = 40  # a frame leaves when it is over, and takes another to be written down
PROSPECT_REACH_MS: Final = 60  # by the carrier's own stamps
AGENT_REACH_MS: Final = 300  # by our reckoning of the carrier's play-out


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one call, from everybody."""

    journal: Sequence[events.Event]  # as the killed process left it
    taken: Sequence[Mapping[str, Any]]  # events as the CRM's API tells them
    summary: Mapping[str, Any]
    transactions: Sequence[Mapping[str, Any]]
    recording: bytes  # ours; empty when there is none
    said: bytes  # the carrier's copies; empty when nobody answered
    heard: bytes
    streamed_ms: float | None  # from the stream's beginning to the kill, or the call's end before; None without one


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One call in progress when its voice process was killed. Times in ms."""

    call_id: str
    persona: str
    phase: str  # when the process died
    streamed_ms: float | None
    recorded_ms: float | None
    lost_ms: float | None
    windows: int  # with sound in the carrier's copy, both sides
    lag_ms: float
    journal_events: int
    crm_events: int
    faults: tuple[str, ...]


def phase_of(journal: Sequence[events.Event]) -> str:
    """Say how far a call had come."""
    bodies = [event.body for event in journal]
    if any(isinstance(body, events.Closed) for body in bodies):
        return "closed"
    if any(isinstance(body, events.Finished) for body in bodies):
        return "uploading"
    states = [body.state for body in bodies if isinstance(body, events.StateChanged)]
    if not states:
        return State.IDLE.value
    return "talking" if states[-1] in (State.LISTENING, State.SPEAKING) else states[-1].value


def check(persona: str, evidence: Evidence) -> Case:
    """Return the case with everything that is wrong."""
    faults = [*_event_faults(evidence), *_money_faults(evidence)]
    recorded_ms, sides = None, [Found(0, (), 0.0), Found(0, (), 0.0)]
    if evidence.recording:
        try:
            pcm = read_wav(evidence.recording)
            recorded_ms = len(pcm) / RATE_HZ * 1000
            sides = [
                find(read_wav(evidence.said)[:, 0], pcm[:, 0], PROSPECT_REACH_MS),
                find(read_wav(evidence.heard)[:, 0], pcm[:, 1], AGENT_REACH_MS),
            ]
        except (wave.Error, EOFError) as error:
            faults.append(f"recording or the carrier's copy cannot be read: {error}")
    for name, side in zip(("prospect", "agent"), sides, strict=True):
        if side.lacking_ms:
            where = ", ".join(f"{start / 1000:.1f}" for start in side.lacking_ms[:5])
            faults.append(f"{name}: {len(side.lacking_ms)} of {side.windows} half-seconds lacking (at {where} s)")
    lost_ms = None
    if evidence.streamed_ms is not None:
        lost_ms = round(max(0.0, evidence.streamed_ms - (recorded_ms or 0.0)), 1)
        if lost_ms > LOSS_MAX_MS + LINE_MS:
            faults.append(f"{lost_ms:.0f} ms of {evidence.streamed_ms:.0f} are not recorded")
    return Case(
        call_id=str(evidence.summary["call_id"]),
        persona=persona,
        phase=phase_of(evidence.journal),
        streamed_ms=None if evidence.streamed_ms is None else round(evidence.streamed_ms, 1),
        recorded_ms=recorded_ms,
        lost_ms=lost_ms,
        windows=sum(side.windows for side in sides),
        lag_ms=max(side.lag_ms for side in sides),
        journal_events=len(evidence.journal),
        crm_events=len(evidence.taken),
        faults=tuple(faults),
    )


def _event_faults(evidence: Evidence) -> list[str]:
    faults = []
    taken = [(int(event["epoch"]), int(event["seq"])) for event in evidence.taken]
    if len(set(taken)) < len(taken):
        faults.append("an event was taken twice")
    if evidence.summary["events"] != len(taken):
        faults.append(f"{evidence.summary['events']} events counted, {len(taken)} kept")
    for epoch, numbers in groupby(sorted(taken), key=lambda place: place[0]):
        seqs = [seq for _, seq in numbers]
        if seqs != list(range(1, len(seqs) + 1)):
            faults.append(f"epoch {epoch} has gaps")
    by_place = {(int(event["epoch"]), int(event["seq"])): event for event in evidence.taken}
    for event in evidence.journal:
        told = by_place.get((event.epoch, event.seq))
        if told is None:
            faults.append(f"{events.kind_of(event.body)} {event.epoch}:{event.seq} did not arrive")
        elif told["body"] != msgspec.to_builtins(event.body):
            faults.append(f"{events.kind_of(event.body)} {event.epoch}:{event.seq} arrived altered")
    kinds = [str(event["kind"]) for event in evidence.taken]
    for kind in ("call.finished", "recording.stored"):
        wanted = 1 if kind == "call.finished" or evidence.recording else 0
        if kinds.count(kind) != wanted:
            faults.append(f"{kinds.count(kind)} times {kind}")
    if not evidence.summary["closed"] or kinds[-1:] != ["call.closed"]:
        faults.append("not closed")
    return faults


def _money_faults(evidence: Evidence) -> list[str]:
    """A call is reserved once, settled once, and nothing stays held."""
    faults = []
    kinds = [str(one["kind"]) for one in evidence.transactions]
    faults += [
        f"{kinds.count(kind)} times {kind} in the ledger" for kind in ("reserve", "settle") if kinds.count(kind) != 1
    ]
    entries = [entry for one in evidence.transactions for entry in one["entries"]]
    held = sum(int(entry["amount"]) for entry in entries if entry["account"] == "held")
    if held:
        faults.append(f"{held} thousandths of a credit stay held")
    revenue = sum(int(entry["amount"]) for entry in entries if entry["account"] == "revenue")
    if revenue != (evidence.summary["ledger"]["settled"] or 0):
        faults.append(f"charged {revenue}, told {evidence.summary['ledger']['settled']}")
    return faults
