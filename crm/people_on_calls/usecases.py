"""Letting people come to live calls: a ticket to the voice node that holds the call. What they do there is the node's.

Whoever may talk in calls may come to any of the organisation's; listening in takes more.
"""

from dataclasses import dataclass
from uuid import UUID

from crm.calls.model import QUEUED
from crm.calls.nodes import VoiceNodes
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.calls.usecases import CallOver
from crm.identity.model import User
from crm.identity.tokens import Identity
from crm.people_on_calls.seats import needed
from crm.permissions import require
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.call import TERMINAL
from events.ids import new_id
from events.ticket import LIFETIME_S, Seat, Ticket, seal


class CallNotBegun(Refusal):
    """No voice node has it yet."""

    def __init__(self, state: str) -> None:
        super().__init__("call_not_begun", {"state": state})


class CallNodeAway(Refusal):
    """The node that holds the call has not announced itself for some seconds, or takes no people."""

    def __init__(self, node: str) -> None:
        super().__init__("call_node_away", {"node": node})


@dataclass(frozen=True, slots=True)
class Issued:
    """What a page connects with: `token` is the socket's first message."""

    token: str
    address: str  # of the node's websocket
    ticket: Ticket


async def issue_ticket(
    call_id: UUID, seat: Seat, person: Identity, unit: UnitOfWork, nodes: VoiceNodes, key: str, now_s: float
) -> Issued:
    """Return a ticket for one person to one live call.

    Raises:
        NotAllowed: to come at all, or to listen in, for a supervisor's seat
        CallNotFound, CallOver, CallNotBegun, CallNodeAway, RedisAway
    """
    for permission in needed(seat):
        require(person.role, permission)
    async with unit:
        call = await CallStore(unit).get(call_id)
        if call is None:
            raise CallNotFound(call_id)
        await unit.act_as_user(person.user_id)
        user = await unit.session.get_one(User, person.user_id)
    if call.closed or call.state in {state.value for state in TERMINAL}:
        raise CallOver(call.state)
    if not call.node or call.state == QUEUED:
        raise CallNotBegun(call.state)
    node = await nodes.report_of(call.node)
    if node is None or not node.people:
        raise CallNodeAway(call.node)
    issued_at = int(now_s)
    ticket = Ticket(
        id=new_id(),
        org_id=call.org_id,
        call_id=call.id,
        user_id=user.id,
        name=user.full_name,
        role=person.role,
        session_id=person.session_id,
        seat=seat,
        issued_at=issued_at,
        expires_at=issued_at + LIFETIME_S,
    )
    return Issued(seal(ticket, key), node.people, ticket)
