"""What a call means for a lead: status and next step, and what is noted; its score follows (crm.scoring). Sans-I/O.

Facts from the conversation decide; the call's outcome only fills in where the conversation decided nothing.
"""

from dataclasses import dataclass, replace
from typing import Final

from events.call import FactKind, FactNoted, Outcome

MEETING_BOOKED: Final = "meeting_booked"
CALLBACK_SCHEDULED: Final = "callback_scheduled"
RETRY_LATER: Final = "retry_later"
NOT_INTERESTED: Final = "not_interested"
DO_NOT_CALL: Final = "do_not_call"

# Nobody was reached, or nothing was said: try again another day.
UNREACHED: Final = frozenset({Outcome.NO_RESPONSE, Outcome.LINE_BUSY, Outcome.NO_ANSWER, Outcome.MESSAGE_LEFT})
# What a call that reached nobody must not undo.
KEPT_WHEN_UNREACHED: Final = frozenset({DO_NOT_CALL, MEETING_BOOKED, CALLBACK_SCHEDULED})
KEPT_WHEN_DECLINED: Final = frozenset({DO_NOT_CALL, MEETING_BOOKED})


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a lead stands, as far as calls change it."""

    status: str
    next_step: str = ""
    do_not_call: bool = False


def after_fact(lead: Standing, fact: FactNoted) -> Standing:
    """Return the lead's standing after something was established in the conversation."""
    match fact.kind:
        case FactKind.MEETING_BOOKED:
            step = f"Meeting: {fact.when}" if fact.when else "Meeting: time to be agreed"
            return replace(lead, status=_unless_opted_out(lead, MEETING_BOOKED), next_step=step)
        case FactKind.CALLBACK_REQUESTED:
            step = f"Call back: {fact.when}" if fact.when else "Call back"
            return replace(lead, status=_unless_opted_out(lead, CALLBACK_SCHEDULED), next_step=step)
        case FactKind.OPTED_OUT:
            return replace(lead, status=DO_NOT_CALL, do_not_call=True, next_step="")
        case FactKind.BROKEN_OFF:
            # Our fault changes nothing of what was agreed.
            return lead if lead.do_not_call else replace(lead, next_step=lead.next_step or "Call back")
        case FactKind.OBJECTION | FactKind.NOTE:
            return lead


def noted(fact: FactNoted) -> str:
    """Return what is written down of it as a note; empty for nothing."""
    match fact.kind:
        case FactKind.OBJECTION:
            return f"Objection: {fact.text}"
        case FactKind.NOTE:
            return fact.text
        case FactKind.BROKEN_OFF:
            return "The agent could not go on and promised that somebody calls back"
        case _:
            return ""


def after_call(lead: Standing, outcome: Outcome) -> Standing:
    """Return the lead's standing after a call ended so."""
    if outcome is Outcome.OPTED_OUT:
        return replace(lead, status=DO_NOT_CALL, do_not_call=True, next_step="")
    if outcome in UNREACHED and lead.status not in KEPT_WHEN_UNREACHED:
        return replace(lead, status=RETRY_LATER)
    if outcome is Outcome.NOT_INTERESTED and lead.status not in KEPT_WHEN_DECLINED:
        return replace(lead, status=NOT_INTERESTED)
    return lead


def asks_for_call(kind: FactKind, *, do_not_call: bool) -> bool:
    """Say whether somebody has to call the lead again."""
    return kind is FactKind.CALLBACK_REQUESTED or (kind is FactKind.BROKEN_OFF and not do_not_call)


def _unless_opted_out(lead: Standing, status: str) -> str:
    return lead.status if lead.do_not_call else status
