"""What people do with calls that exist: list them, follow their events, end them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from crm.calls.model import Call, CallEvent
from crm.calls.nodes import VoiceNodes, expires_at
from crm.calls.shown import EventJson
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound
from crm.leads.model import Lead
from crm.refusals import Refusal
from crm.unit_of_work import UnitOfWork
from events.call import TERMINAL, State
from events.command import Command, HangUp
from events.ids import new_id

HANG_UP_LIFETIME_S: Final = 30.0


class CallOver(Refusal):
    """There is nothing to hang up."""

    def __init__(self, state: str) -> None:
        super().__init__("call_over", {"state": state})


@dataclass(frozen=True, slots=True)
class CallPage:
    calls: Sequence[tuple[Call, Lead]]
    total: int


async def list_calls(unit: UnitOfWork, *, page: int = 1, limit: int = 20) -> CallPage:
    async with unit:
        store = CallStore(unit)
        return CallPage(await store.page(page, limit), await store.count())


async def newest_calls(unit: UnitOfWork, limit: int) -> Sequence[tuple[Call, Lead]]:
    """Return the newest calls without a count of all: for screens that ask again and again."""
    async with unit:
        return await CallStore(unit).page(1, limit)


async def events_after(call_id: UUID, after: tuple[int, int], unit: UnitOfWork) -> tuple[Call, Sequence[CallEvent]]:
    """Return the call and its next events. Raises CallNotFound."""
    async with unit:
        store = CallStore(unit)
        call = await store.get(call_id)
        if call is None:
            raise CallNotFound(call_id)
        return call, await store.events(call_id, after)


async def hang_up(call_id: UUID, unit: UnitOfWork, nodes: VoiceNodes) -> tuple[str, bool]:
    """End a call; return its state and whether its node has confirmed.

    Raises:
        CallNotFound, CallOver
        Refusal: `node_refused`, with the node's reason.
    """
    async with unit:
        call = await CallStore(unit).get(call_id)
    if call is None:
        raise CallNotFound(call_id)
    if call.closed or call.state in {state.value for state in TERMINAL}:
        raise CallOver(call.state)
    order = Command(new_id(), expires_at(HANG_UP_LIFETIME_S), HangUp(call.org_id, call.id))
    reply = await nodes.ask(call.node, order)
    if reply is None:
        return call.state, False
    if not reply.accepted:
        raise Refusal("node_refused", {"reason": reply.reason})
    return reply.state or State.ENDING.value, True


def event_json(event: CallEvent) -> EventJson:
    """Return an event as the API tells it; `id` is what `after` takes."""
    return {
        "id": f"{event.epoch}:{event.seq}",
        "epoch": event.epoch,
        "seq": event.seq,
        "kind": event.kind,
        "at": event.at,
        "body": event.body,
    }
