"""Calls that are on a voice node now: which they are, and telling their nodes what holds for them from here on."""

import asyncio
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_

from crm.calls.model import Call
from crm.calls.nodes import VoiceNodes, expires_at
from events.call import TERMINAL
from events.command import Command, CommandBody
from events.ids import new_id

LIFETIME_S: Final = 30.0
NODES_AT_ONCE: Final = 8
_OVER: Final = [state.value for state in TERMINAL]


def is_live(org_id: UUID) -> ColumnElement[bool]:
    """Return the condition on calls that a node holds, as far as the events tell."""
    return and_(Call.org_id == org_id, Call.ended_at.is_(None), ~Call.closed, Call.state.not_in(_OVER), Call.node != "")


async def tell_nodes(told: Sequence[tuple[str, CommandBody]], nodes: VoiceNodes) -> set[UUID]:
    """Give each node its command, some at a time, and return the calls that the nodes say have taken it."""
    taken: set[UUID] = set()
    places = asyncio.Semaphore(NODES_AT_ONCE)

    async def tell(node: str, body: CommandBody) -> None:
        async with places:
            reply = await nodes.ask(node, Command(new_id(), expires_at(LIFETIME_S), body))
        if reply is not None and reply.accepted:
            taken.update(reply.calls)

    async with asyncio.TaskGroup() as tasks:
        for node, body in told:
            tasks.create_task(tell(node, body), name="calls.tell")
    return taken
