"""The carrier's own account of a call, for comparing with ours: what was played, heard, said, and when. Sans-I/O.

Times are ms on the call's timeline: zero is where the first media stream began (the answer, without a stream).
"""

from typing import Any

from telephony.carrier.calls import Call
from telephony.carrier.line import Line


def account_of(call: Call) -> dict[str, Any]:
    """Return everything the box knows of a call, as JSON."""
    facts: dict[str, Any] = {
        "call_sid": call.sid,
        "to": call.order.to,
        "from": call.order.from_,
        "direction": call.order.direction,
        "persona": call.persona,
        "status": call.status,
        "answered_by": call.answered_by,
        "created_at": call.created_at.isoformat(),
        "answered_at": call.answered_at.isoformat() if call.answered_at else None,
        "ended_at": call.ended_at.isoformat() if call.ended_at else None,
        "ended_by": call.ended_by,
        "streams": call.streams,
        "dialed": call.dialed,
        "bridged_to": call.bridged_to,
        "stream_started_at": call.stream_started_at.isoformat() if call.stream_started_at else None,
        "errors": [{"code": note.code, "text": note.text, "at": note.at.isoformat()} for note in call.notes],
        "callbacks": call.callbacks,
    }
    return facts | (_line(call.line) if call.line is not None else {})


def _line(line: Line) -> dict[str, Any]:
    zero = float(line.zero_ms or 0)

    def at(ms: float) -> float:
        return round(ms - zero, 3)

    counters = line.counters
    return {
        "duration_ms": at(line.now_ms),
        "picked_up_ms": at(0.0),
        "utterances": [
            {
                "kind": said.kind,
                "text": said.text,
                "started_ms": at(said.started_ms),
                "ended_ms": at(said.ended_ms),
                "aside": said.aside,
            }
            for said in line.actor.utterances
        ],
        "agent_audio": [
            {"started_ms": at(burst.started_ms), "ended_ms": at(burst.ended_ms)} for burst in line.ear.bursts
        ],
        "clears": [{"at_ms": at(clear.at_ms), "dropped_ms": clear.dropped_ms} for clear in line.clears],
        "marks": [
            {
                "name": mark.name,
                "received_ms": at(mark.received_ms),
                "echoed_ms": None if mark.echoed_ms is None else at(mark.echoed_ms),
                "cleared": mark.cleared,
            }
            for mark in line.marks
        ],
        "dtmf": [{"at_ms": at(pressed_ms), "digit": digit} for pressed_ms, digit in line.keys],
        "keys_heard": line.ear.keys,
        "counters": {
            "frames": counters.frames,
            "media_received": counters.media_received,
            "bytes_received": counters.bytes_received,
            "bytes_played": line.playout.played_bytes,
            "bytes_dropped": counters.bytes_dropped,
            "bytes_cleared": counters.bytes_cleared,
            "late_ms_max": round(counters.late_ms_max, 3),
        },
    }
