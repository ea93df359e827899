"""What of a call follows from its events alone: its state and ends, its transcript, moods and objections.

Applied to the events of a call in their order this always gives the same, so that a call can be made anew from what
is stored of it (crm.recovery.rebuild). What an event sets off outside the call - money, tasks, messages, the lead - is
in effects.
"""

from typing import Final

import msgspec

from crm.calls.model import Call
from crm.calls.step import Step
from crm.understanding.taking import take_angry, take_understood
from events import call as happenings
from events.call import Event, Speaker
from events.understanding import CallerAngry, CallerUnderstood

WATERFALL_STAGES: Final = (
    "vad_ms",
    "end_of_turn_ms",
    "transcript_ms",
    "first_token_ms",
    "first_audio_ms",
    "sent_ms",
    "played_ms",
)


async def derive(event: Event, call: Call, step: Step) -> None:
    """Take the call's next event; the words of an erased call are out of it already."""
    call.event_count += 1
    # A takeover goes on where another epoch had closed.
    call.closed = isinstance(event.body, happenings.Closed)
    match event.body:
        case happenings.TurnFinished() | happenings.TurnTimed() as body:
            await _write_turn(event, body, call, step)
        case CallerUnderstood() as body:
            await take_understood(event, body, call, step)
        case CallerAngry() as body:
            take_angry(event, body, call)
        case body:
            _update_call(event, body, call)


def _update_call(event: Event, body: happenings.Body, call: Call) -> None:
    match body:
        case happenings.StateChanged():
            call.state = body.state.value
            call.reason = body.reason or call.reason
        case happenings.CarrierAccepted():
            call.carrier = body.carrier
            call.carrier_call_id = body.carrier_call_id
        case happenings.Answered():
            call.answered_at = event.at
        case happenings.AnswererKnown():
            call.answered_by = body.answered_by.value
        case happenings.RecordingStored() if call.recording_erased_at is None:
            call.recording = msgspec.to_builtins(body)
            call.recording_fault = ""
        case happenings.RecordingFailed():
            call.recording_fault = body.reason
        case happenings.Finished():
            call.state = body.state.value
            call.outcome = body.outcome.value
            call.reason = body.reason or call.reason
            call.duration_s = body.duration_s
            call.ended_at = event.at
            if body.answered_by is not None:
                call.answered_by = body.answered_by.value
        case _:
            # Barge-ins, the people in a call and its close are told by the stored event itself.
            pass


async def _write_turn(
    event: Event, body: happenings.TurnFinished | happenings.TurnTimed, call: Call, step: Step
) -> None:
    if isinstance(body, happenings.TurnTimed):
        turn = await step.turn(event.call_id, event.epoch, body.turn, Speaker.AGENT.value)
        turn.waterfall = {stage: getattr(body, stage) for stage in WATERFALL_STAGES}
        return
    turn = await step.turn(event.call_id, event.epoch, body.turn, body.speaker.value)
    if call.content_erased_at is None:
        turn.text = body.text
        turn.heard_text = body.heard_text
    turn.started_ms = body.started_ms
    turn.ended_ms = body.ended_ms
    turn.response_ms = body.response_ms
    turn.interrupted = body.interrupted
    turn.prompt_version = body.prompt_version
