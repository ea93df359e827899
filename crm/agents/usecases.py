"""What people do with agents: add, read, list and replace them. Calls in progress keep the agent they began with."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from crm.agents.limits import fault_of_model, fault_of_stt, fault_of_temperature, fault_of_voice
from crm.agents.model import DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, DEFAULT_TOOLS, DEFAULT_TYPE, Agent
from crm.agents.store import AgentStore
from crm.calls.playbooks import PlaybookUnusable, read_playbook
from crm.prompts.store import PromptStore
from crm.prompts.usecases import BadField
from crm.prompts.versions import LATEST, BadVersion, parse_version
from crm.refusals import Refusal
from crm.understanding.fields import BadFields, read_fields
from crm.unit_of_work import UnitOfWork


class AgentNotFound(Refusal):
    def __init__(self, agent_id: UUID) -> None:
        super().__init__("agent_not_found", {"agent_id": str(agent_id)})


@dataclass(frozen=True, slots=True)
class AgentFields:
    """What a person may set."""

    name: str
    playbook: str
    description: str = ""
    type: str = DEFAULT_TYPE
    voice: str = "en-us"
    language: str = "en-US"
    stt: str = "embedded"
    model: str = ""
    temperature: float = DEFAULT_TEMPERATURE
    max_tokens: int = DEFAULT_MAX_TOKENS
    tools: Sequence[str] = DEFAULT_TOOLS
    prompt: str | None = None  # its slug
    prompt_version: str = LATEST
    active: bool = True
    extract: Sequence[Mapping[str, Any]] | None = None  # the fields to be found out of each call; None: the usual ones


@dataclass(frozen=True, slots=True)
class AgentRead:
    agent: Agent
    prompt: str | None


@dataclass(frozen=True, slots=True)
class AgentPage:
    agents: Sequence[AgentRead]
    total: int


async def save_agent(agent_id: UUID | None, fields: AgentFields, unit: UnitOfWork, playbooks: Path) -> AgentRead:
    """Add an agent, or set all that a person may set of one.

    Raises:
        AgentNotFound
        BadField: a value that a call could not use, with what would do.
    """
    await _check(fields, playbooks)
    async with unit:
        prompt_id = await _prompt_id(fields, unit)
        agent: Agent | None = Agent(org_id=unit.org_id)
        if agent_id is not None:
            agent = await AgentStore(unit).get(agent_id)
        if agent is None:
            assert agent_id is not None
            raise AgentNotFound(agent_id)
        for name in AgentFields.__dataclass_fields__:
            if name not in ("prompt", "tools"):
                setattr(agent, name, getattr(fields, name))
        agent.tools = list(dict.fromkeys(fields.tools))
        agent.prompt_id = prompt_id
        unit.session.add(agent)
        await unit.commit()
        return AgentRead(agent, fields.prompt)


async def read_agent(agent_id: UUID, unit: UnitOfWork) -> AgentRead:
    """Raises AgentNotFound."""
    async with unit:
        agent = await AgentStore(unit).get(agent_id)
        if agent is None:
            raise AgentNotFound(agent_id)
        [read] = await _read([agent], unit)
        return read


async def list_agents(unit: UnitOfWork, *, page: int, limit: int, kind: str | None) -> AgentPage:
    async with unit:
        found, total = await AgentStore(unit).page(page, limit, kind)
        return AgentPage(await _read(found, unit), total)


async def _read(agents: Sequence[Agent], unit: UnitOfWork) -> list[AgentRead]:
    slugs = await PromptStore(unit).slugs([agent.prompt_id for agent in agents if agent.prompt_id is not None])
    return [AgentRead(agent, slugs.get(agent.prompt_id) if agent.prompt_id else None) for agent in agents]


async def _check(fields: AgentFields, playbooks: Path) -> None:
    if fault := fault_of_model(fields.model):
        raise BadField("model", fault)
    if fault := fault_of_temperature(fields.model, fields.temperature):
        raise BadField("temperature", fault)
    if fault := fault_of_stt(fields.stt):
        raise BadField("stt", fault)
    if fault := fault_of_voice(fields.voice):
        raise BadField("voice", fault)
    try:
        read_fields(fields.extract)
    except BadFields as error:
        raise BadField("extract", str(error)) from None
    if fields.prompt_version != LATEST:
        try:
            parse_version(fields.prompt_version)
        except BadVersion as error:
            raise BadField("prompt_version", f"{error}, or {LATEST}") from None
    if fields.prompt is not None and fields.model == "scripted":
        raise BadField("model", "the script follows the playbook: a prompt needs a language model")
    try:
        await asyncio.to_thread(read_playbook, playbooks, fields.playbook)
    except PlaybookUnusable as error:
        raise BadField("playbook", str(error.details["fault"])) from None


async def _prompt_id(fields: AgentFields, unit: UnitOfWork) -> UUID | None:
    if fields.prompt is None:
        return None
    store = PromptStore(unit)
    prompt = await store.by_slug(fields.prompt)
    if prompt is None:
        raise BadField("prompt", "there is no prompt of that name: write it first")
    if fields.prompt_version != LATEST and not await store.version(prompt.id, parse_version(fields.prompt_version)):
        raise BadField("prompt_version", f"{fields.prompt} has no such version")
    return prompt.id
