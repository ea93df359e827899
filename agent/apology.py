"""What becomes of an answer that no model gives: said to the caller, and left for people to make good. Sans-I/O.

The call ends politely, with a call-back noted, which the CRM makes a task of.
"""

from typing import Final

from agent.llm.port import Failure, ToolCall
from agent.reply import Reply
from agent.stock_phrases import StockPhrases
from events.call import FactKind, Outcome

MODEL_AWAY: Final = "model_unavailable"
SWITCHED_OFF: Final = "models_off"
KEY_REFUSED: Final = "model_key_refused"  # the organisation's own, and it wants no other to be used
SPEECH_AWAY: Final = "speech_unavailable"

_REASONS: Final = {Failure.SWITCHED_OFF: SWITCHED_OFF, Failure.REFUSED_KEY: KEY_REFUSED}


def reason_of(failure: Failure) -> str:
    """Return the code under which a model's failure ends a call."""
    return _REASONS.get(failure, MODEL_AWAY)


def break_off(reply: Reply, reason: str, phrases: StockPhrases) -> str:
    """Make `reply` the call's last and return what is left to say: nothing when it was to be the last anyway.

    Only what was noted before stays of what the answer was to do.
    """
    if any(call.name == "end_call" for call in reply.calls):
        return ""
    reply.failed = reason
    note = {"kind": FactKind.BROKEN_OFF.value, "text": reason}
    reply.calls += [
        ToolCall("broke-off-note", "note_fact", note),
        ToolCall("broke-off-end", "end_call", {"outcome": Outcome.SERVICE_FAILURE.value}),
    ]
    return phrases.closing if reason == SWITCHED_OFF else phrases.sorry
