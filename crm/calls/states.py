"""Through which states a call went, as its page tells it."""

from typing import Final
from uuid import UUID

from sqlalchemy import or_, select

from crm.calls.model import CallEvent
from crm.calls.shown import StateChangeJson
from crm.unit_of_work import UnitOfWork
from events.call import State

KIND: Final = "call.state_changed"
STATES_MAX: Final = 100
# Who has the floor changes with every turn: the transcript tells that, and better.
_FLOOR: Final = [State.LISTENING.value, State.SPEAKING.value]


async def states_of(call_id: UUID, unit: UnitOfWork) -> list[StateChangeJson]:
    """Return the changes as JSON, in order, in the caller's transaction; not those between listening and speaking."""
    state, previous = CallEvent.body["state"].astext, CallEvent.body["previous"].astext
    changes = (
        select(CallEvent)
        .where(CallEvent.org_id == unit.org_id, CallEvent.call_id == call_id, CallEvent.kind == KIND)
        .where(or_(state.not_in(_FLOOR), previous.not_in(_FLOOR)))
        .order_by(CallEvent.epoch, CallEvent.seq)
        .limit(STATES_MAX)
    )
    return [_told(event) for event in await unit.session.scalars(changes)]


def _told(event: CallEvent) -> StateChangeJson:
    return {
        "state": event.body["state"],
        "previous": event.body["previous"],
        "reason": event.body.get("reason", ""),
        "at": event.at,
    }
