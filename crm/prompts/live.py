"""Telling live calls of another version: it speaks from their next turn on (S25).

The calls of a prompt that follow `latest` are looked up, each one's version is worked out as at the dial, and the
nodes that hold calls with another one get a command. A call that is just being placed is not there yet: it is asked
for again a little later.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import structlog
from sqlalchemy import select, update

from crm.calls.live import is_live, tell_nodes
from crm.calls.model import Call
from crm.calls.nodes import VoiceNodes
from crm.database import Sessions
from crm.leads.model import Lead
from crm.prompts.book import PromptBook
from crm.prompts.store import PromptStore
from crm.prompts.template import Compiled
from crm.prompts.versions import LATEST
from crm.unit_of_work import UnitOfWork
from events.command import PromptFor, UsePrompt
from events.plan import Prompt

ROUNDS: Final = 3
AGAIN_S: Final = 1.0  # a call that is being placed is there by then, or never

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Told:
    """How many live calls have the version now that is theirs, and how many could not be told."""

    calls: int = 0
    unreached: int = 0


@dataclass(frozen=True, slots=True)
class _Due:
    call_id: UUID
    node: str
    compiled: Compiled
    own: dict[str, Any]  # the lead's own fields


async def tell_live_calls(
    prompt_id: UUID, org_id: UUID, sessions: Sessions, nodes: VoiceNodes, book: PromptBook
) -> Told:
    """Let every live call of the prompt have the version that is in force for it."""
    told = 0
    due: Sequence[_Due] = ()
    for round_ in range(ROUNDS):
        if round_:
            await asyncio.sleep(AGAIN_S)
        due = await _due(prompt_id, org_id, sessions, book)
        taken = await _tell(due, org_id, nodes)
        await _note(taken, due, org_id, sessions)
        told += len(taken)
        if len(taken) == len(due):
            return Told(told)
    unreached = len(await _due(prompt_id, org_id, sessions, book))
    if unreached:
        log.warning("prompts.calls_unreached", calls=unreached)
    return Told(told, unreached)


async def _due(prompt_id: UUID, org_id: UUID, sessions: Sessions, book: PromptBook) -> list[_Due]:
    """Return the live calls whose version is another one than what is in force for them."""
    async with UnitOfWork(sessions, org_id) as unit:
        prompt = await PromptStore(unit).get(prompt_id)
        assert prompt is not None, "prompts are not deleted"
        statement = (
            select(Call.id, Call.node, Call.prompt_version, Lead.custom_fields)
            .join(Lead, (Lead.org_id == Call.org_id) & (Lead.id == Call.lead_id))
            .where(is_live(org_id), Call.prompt_id == prompt_id, Call.prompt_follows)
        )
        found = []
        for row in (await unit.session.execute(statement)).all():
            compiled = await book.read_in(unit, prompt.in_force, LATEST, row.id)
            if compiled.number != row.prompt_version:
                found.append(_Due(row.id, row.node, compiled, row.custom_fields))
        return found


async def _tell(due: Sequence[_Due], org_id: UUID, nodes: VoiceNodes) -> set[UUID]:
    """Return the calls that took theirs."""
    groups: dict[tuple[str, str], list[_Due]] = defaultdict(list)
    for one in due:
        groups[one.node, one.compiled.number].append(one)
    orders = [(node, _order(calls, org_id)) for (node, _), calls in groups.items()]
    return await tell_nodes(orders, nodes)


def _order(calls: Sequence[_Due], org_id: UUID) -> UsePrompt:
    compiled = calls[0].compiled
    theirs = tuple(PromptFor(one.call_id, compiled.values(one.own)) for one in calls)
    return UsePrompt(org_id, Prompt(compiled.number, compiled.text), theirs)


async def _note(taken: set[UUID], due: Sequence[_Due], org_id: UUID, sessions: Sessions) -> None:
    numbers = {one.call_id: one.compiled.number for one in due if one.call_id in taken}
    if not numbers:
        return
    async with UnitOfWork(sessions, org_id) as unit:
        for number in sorted(set(numbers.values())):
            ids = [call_id for call_id, theirs in numbers.items() if theirs == number]
            await unit.session.execute(
                update(Call).where(Call.org_id == org_id, Call.id.in_(ids)).values(prompt_version=number)
            )
        await unit.commit()
