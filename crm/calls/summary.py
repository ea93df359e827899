"""One call as the API tells it: a single object with the conversation, the timings, the lead and the money.

The members are a contract with `salesos call --json`. Money is in thousandths of a credit.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast
from urllib.parse import unquote, urlsplit
from uuid import UUID

from crm.answers import shown
from crm.billing.archive import ArchiveStore
from crm.billing.statement import line_json, transactions
from crm.calls.derived import WATERFALL_STAGES
from crm.calls.model import Call, CallEvent, Direction, Turn
from crm.calls.model_usage import MODEL_USED_KIND, model_usage
from crm.calls.shown import (
    BargeInJson,
    CallJson,
    ErasedJson,
    HeadlineJson,
    LeadStandingJson,
    LegJson,
    PlacedByJson,
    RecordingJson,
    TurnJson,
    WaterfallJson,
)
from crm.calls.states import states_of
from crm.calls.store import CallStore
from crm.identity.member_store import MemberStore
from crm.leads.model import Lead
from crm.leads.store import LeadStore
from crm.legs.store import LegStore
from crm.refusals import Refusal
from crm.understanding.shown import notes_json, objection_json
from crm.understanding.store import NoteStore, ObjectionStore
from crm.unit_of_work import UnitOfWork

BARGE_IN_KIND = "turn.barged_in"
LEDGER_LINES_MAX = 200  # the newest; the statement has all


class CallNotFound(Refusal):
    def __init__(self, call_id: UUID) -> None:
        super().__init__("call_not_found", {"call_id": str(call_id)})


async def summarise(call_id: UUID, unit: UnitOfWork) -> CallJson:
    """Return the call's object. Raises CallNotFound."""
    async with unit:
        calls = CallStore(unit)
        call = await calls.get(call_id)
        if call is None:
            raise CallNotFound(call_id)
        lead = await LeadStore(unit).get(call.lead_id)
        assert lead is not None, "a call's lead outlives it"
        turns = await calls.turns(call_id)
        barge_ins = await calls.events(call_id, kind=BARGE_IN_KIND)
        models = await calls.events(call_id, kind=MODEL_USED_KIND)
        states = await states_of(call_id, unit)
        legs = await LegStore(unit).of_call(call_id)
        ledger_lines = await transactions(unit, LEDGER_LINES_MAX, call_id) or [
            line_json(line) for line in await ArchiveStore(unit).of_call(call_id, LEDGER_LINES_MAX)
        ]
        objections = await ObjectionStore(unit).of_call(call_id)
        notes = await NoteStore(unit).get(call_id)
        placed_by = await _placed_by(call, unit)
    # What `salesos call --json` promises comes first, in its order (salesos/summary.py).
    return {
        "call_id": call.id,
        "state": call.state,
        "outcome": call.outcome,
        "answered_by": call.answered_by,
        "duration_s": call.duration_s,
        "turns": [_turn(turn) for turn in turns if turn.text is not None],
        "barge_ins": [_barge_in(event) for event in barge_ins],
        "waterfall": _waterfall(turns),
        "recording": _recording(call),
        "lead": _lead(lead),
        "ledger": {
            "reserved": call.reserved,
            "settled": call.charged if call.settled_at else None,
            "refunded": call.refunded,
            "balance_before": call.balance_before,
            "balance_after": call.balance_after,
        },
        "events": call.event_count,
        "closed": call.closed,
        "reason": call.reason,
        "carrier_call_id": call.carrier_call_id,
        "number": call.number,
        "direction": Direction(call.direction),
        "our_number": call.our_number,
        "created_at": call.created_at,
        "erased": _erased(call),
        "models": model_usage(event.body for event in models),
        "agent": call.agent,
        "placed_by": placed_by,
        "prompt_version": call.prompt_version,
        "angry_at": call.angry_at,
        "objections": [objection_json(objection) for objection in objections],
        "notes": notes_json(notes) if notes is not None else None,
        "states": states,
        "transactions": ledger_lines,
        "legs": [shown(LegJson, leg) for leg in legs],
    }


def headline(call: Call, lead: Lead) -> HeadlineJson:
    """Return what a list shows of a call."""
    return {
        "call_id": call.id,
        "lead_id": call.lead_id,
        "lead_name": lead.name,
        "number": call.number,
        "direction": Direction(call.direction),
        "our_number": call.our_number,
        "state": call.state,
        "outcome": call.outcome,
        "reason": call.reason,
        "answered_by": call.answered_by,
        "duration_s": call.duration_s,
        "closed": call.closed,
        "angry_at": call.angry_at,
        "placed_by": call.placed_by,
        "created_at": call.created_at,
    }


async def _placed_by(call: Call, unit: UnitOfWork) -> PlacedByJson | None:
    if call.placed_by is None:
        return None
    found = await MemberStore(unit).get(call.placed_by)
    return {"user_id": call.placed_by, "name": found[1].full_name if found is not None else None}


def _turn(turn: Turn) -> TurnJson:
    return {
        "speaker": turn.speaker,
        "text": turn.text,
        "heard_text": turn.heard_text,
        "started_ms": turn.started_ms,
        "ended_ms": turn.ended_ms,
        "response_ms": turn.response_ms,
        "interrupted": turn.interrupted,
        "prompt_version": turn.prompt_version,
        "id": turn.id,
        "turn": turn.turn,
        "epoch": turn.epoch,
        "mood": turn.mood,
        "sentiment": turn.sentiment,
        "sentiment_confidence": turn.sentiment_confidence,
    }


def _barge_in(event: CallEvent) -> BargeInJson:
    return {"at_ms": event.body["at_ms"], "stopped_after_ms": event.body["stopped_after_ms"]}


def _waterfall(turns: Sequence[Turn]) -> list[WaterfallJson]:
    timed = sorted((turn for turn in turns if turn.waterfall is not None), key=lambda turn: (turn.epoch, turn.turn))
    return [_stages(turn.turn, turn.waterfall or {}) for turn in timed]


def _stages(number: int, found: Mapping[str, int | None]) -> WaterfallJson:
    return cast(WaterfallJson, {"turn": number, **{stage: found.get(stage) for stage in WATERFALL_STAGES}})


def _recording(call: Call) -> RecordingJson | None:
    if call.recording is None:
        return None
    uri = str(call.recording["uri"])
    return {
        "uri": uri,
        "path": local_path(uri),
        "channels": call.recording["channels"],
        "duration_s": call.recording["duration_s"],
    }


def _erased(call: Call) -> ErasedJson | None:
    """Return when what was said was erased; None while all is there."""
    if call.recording_erased_at is None:
        return None
    return {"recording_at": call.recording_erased_at, "content_at": call.content_erased_at}


def local_path(uri: str) -> str | None:
    """Return where a recording lies on this machine's disk; None when it is in a remote store."""
    parts = urlsplit(uri)
    return str(Path(unquote(parts.path))) if parts.scheme == "file" else None


def _lead(lead: Lead) -> LeadStandingJson:
    return {"id": lead.id, "status": lead.status, "score": lead.score, "do_not_call": lead.do_not_call}
