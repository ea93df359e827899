"""Asking an organisation's model outside a call: the same gateway, keys and switch as the calls."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import select

from agent.llm.playbook import Playbook
from agent.llm.playbook_file import BadPlaybook, parse
from agent.llm.port import EventName, Message, Model, Request, Role
from agent.llm.registry import SCRIPTED, Models, UnknownModel
from config.settings import Settings
from crm.agents.model import Agent
from crm.agents.started import StartedAgent, start_agent
from crm.billing.alerts import look_if_low
from crm.billing.conditions import ConditionStore, Tariff
from crm.billing.ledger import Ledger
from crm.billing.posting_desk import PostingDesk
from crm.billing.prices import Resource
from crm.calls.playbooks import PlaybookUnusable, read_playbook
from crm.chat.charge import Charge
from crm.chat.makers import Makers
from crm.database import utc_now
from crm.identity.model import Organisation
from crm.prompts.book import PromptBook
from crm.providers.refused_keys import RefusedKeys
from crm.providers.usecases import OwnKeys, keys_for
from crm.refusals import Refusal
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from crm.usage.book import UsageBook
from events.ids import new_id
from events.sealed_secret import BadSecret, unseal
from events.wire import MODELS_OFF


@dataclass(frozen=True, slots=True)
class Question:
    messages: tuple[Message, ...]
    agent_id: UUID | None = None  # None: the organisation's first
    instructions: str = ""
    temperature: float | None = None
    max_tokens: int | None = None  # None: as the agent has it, and so the temperature


@dataclass(frozen=True, slots=True)
class Desk:
    """What the process answers with."""

    models: Models
    makers: Makers
    names: tuple[str, ...]  # the models, in the order in which they are asked
    playbooks: Path
    prompts: PromptBook
    secret_key: str
    refused: RefusedKeys
    postings: PostingDesk
    tariff: Tariff


@asynccontextmanager
async def open_desk(settings: Settings, held: Resources) -> AsyncGenerator[Desk]:
    """Open what the process answers with, for as long as it is entered."""
    async with (
        UsageBook.running(held.sessions) as book,
        RefusedKeys.running(held.sessions) as refused,
        Models(settings.model_keys, base_urls=settings.model_base_urls, on_call=book.note_and_log) as models,
        # Before the makers, so that what they give back at the end is still booked.
        PostingDesk.running(held.engine) as postings,
        Makers.running(held.redis) as makers,
    ):
        yield Desk(
            models=models,
            makers=makers,
            names=settings.models,
            playbooks=held.playbooks,
            prompts=held.prompts,
            secret_key=held.secret_key,
            refused=refused,
            postings=postings,
            tariff=held.tariff,
        )


async def ask(question: Question, unit: UnitOfWork, redis: Redis, desk: Desk) -> UUID:
    """Begin an answer and return its id.

    Raises:
        Refusal: no such agent, its playbook, no model or no key for it, models switched off, too many answers at once,
            no credit for one.
        RedisError, OSError, TimeoutError: nothing is owed then.
    """
    async with unit:
        organisation = await unit.session.get_one(Organisation, unit.org_id)
        # Which version of a compared prompt is used is drawn anew for each answer.
        started = await start_agent(await _agent(question.agent_id, unit), new_id(), unit, desk.prompts)
        names = started.models(desk.names)
        keys = await keys_for(unit, names)
        conditions = await ConditionStore(unit).read(desk.tariff, Resource.GENERATION, utc_now())
        if await look_if_low(unit, await Ledger(unit).wallet(), conditions.alert_base):
            await unit.commit()
    agent = started.agent
    if await redis.exists(MODELS_OFF):
        names = tuple(name for name in names if name == SCRIPTED)
        if not names:
            raise Refusal("models_off")
    model = await _open(names, agent.playbook, keys, unit.org_id, desk)
    request = Request(
        # A script is told what happens on the line, and there somebody has picked up first.
        ((Message(Role.EVENT, EventName.ANSWERED),) if names == (SCRIPTED,) else ()) + question.messages,
        instructions=question.instructions or _instructions(started, organisation),
        variables=started.variables(None, organisation.name, utc_now()),
        temperature=agent.temperature if question.temperature is None else question.temperature,
        max_tokens=question.max_tokens or agent.max_tokens,
    )
    if names == (SCRIPTED,):
        return await desk.makers.start(unit.org_id, model, request)
    charge = Charge(desk.postings, unit.org_id, conditions.price)
    await charge.take()
    try:
        return await desk.makers.start(unit.org_id, model, request, charge.give_back)
    except BaseException:
        await charge.give_back()
        raise


def _instructions(started: StartedAgent, organisation: Organisation) -> str:
    if started.prompt is not None:
        return started.prompt.text
    return f"You are {started.agent.name}, an assistant of {organisation.name}."


async def _agent(agent_id: UUID | None, unit: UnitOfWork) -> Agent:
    mine = select(Agent).where(Agent.org_id == unit.org_id).order_by(Agent.created_at, Agent.id).limit(1)
    if agent_id is not None:
        mine = mine.where(Agent.id == agent_id)
    agent = (await unit.session.scalars(mine)).one_or_none()
    if agent is None:
        raise Refusal("agent_not_found")
    return agent


async def _open(names: Sequence[str], playbook: str, keys: OwnKeys, org_id: UUID, desk: Desk) -> Model:
    try:
        own = {vendor: unseal(key, desk.secret_key, org_id, vendor) for vendor, key in keys.sealed.items()}
    except BadSecret:
        raise Refusal("provider_key_unreadable") from None
    script = await asyncio.to_thread(_playbook, desk.playbooks, playbook) if SCRIPTED in names else None
    try:
        return await desk.models.open(names, script, own, desk.refused.of(org_id), own_only=keys.only)
    except UnknownModel as error:
        raise Refusal("model_unavailable", {"reason": str(error)}) from None


def _playbook(folder: Path, name: str) -> Playbook:
    try:
        return parse(read_playbook(folder, name), name)
    except BadPlaybook as error:
        raise PlaybookUnusable(name, str(error)) from None
