"""/api/agents: who talks in calls."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.agents.limits import MAX_TOKENS
from crm.agents.model import DEFAULT_MAX_TOKENS, DEFAULT_TEMPERATURE, DEFAULT_TOOLS, DEFAULT_TYPE
from crm.agents.usecases import AgentFields, AgentRead, list_agents, read_agent, save_agent
from crm.answers import PAGE_MAX, PAGES_MAX, Paged, Success, page_of, success
from crm.idempotency.writes import Attempted, once
from crm.permissions import Permission
from crm.prompts.routes import SLUG_PATTERN
from crm.prompts.versions import LATEST
from crm.text_patterns import NO_NUL
from crm.understanding.fields import CHOICES_MAX, FIELDS_MAX, NAME, TEXT_CHARS_MAX, FieldType
from events.tool import ToolName

TYPE_PATTERN: Final = r"^[a-z][a-z0-9_]{0,39}$"
# BCP 47, as far as voices and models know it.
LANGUAGE_PATTERN: Final = r"^[a-z]{2,3}(-[A-Z]{2})?$"
PROVIDER_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9+_.:/-]{0,99}$"

router = APIRouter(prefix="/api/agents")
WRITES: Final = Depends(Needs(Permission.AGENTS_WRITE))

Choice = Annotated[str, StringConstraints(min_length=1, max_length=TEXT_CHARS_MAX, pattern=NO_NUL)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=NO_NUL)]


class ExtractBody(BaseModel):
    """Something to be found out of each call (see crm.understanding.fields)."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=NAME.pattern, max_length=40)
    type: FieldType = FieldType.TEXT
    description: str = Field("", max_length=TEXT_CHARS_MAX, pattern=NO_NUL)
    choices: list[Choice] = Field([], max_length=CHOICES_MAX)


class AgentBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Name
    playbook: str = Field(min_length=1, max_length=64)
    description: str = Field("", max_length=2_000, pattern=NO_NUL)
    type: str = Field(DEFAULT_TYPE, pattern=TYPE_PATTERN)
    voice: str = Field("en-us", pattern=PROVIDER_PATTERN)
    language: str = Field("en-US", pattern=LANGUAGE_PATTERN)
    stt: str = Field("embedded", pattern=PROVIDER_PATTERN)
    model: str = Field("", max_length=100, pattern=NO_NUL)
    temperature: float = Field(DEFAULT_TEMPERATURE, allow_inf_nan=False)
    max_tokens: int = Field(DEFAULT_MAX_TOKENS, ge=1, le=MAX_TOKENS)
    tools: list[ToolName] = Field([ToolName(name) for name in DEFAULT_TOOLS], max_length=len(ToolName))
    prompt: str | None = Field(None, pattern=SLUG_PATTERN)
    prompt_version: str = Field(LATEST, max_length=20)
    active: bool = True
    extract: list[ExtractBody] | None = Field(None, max_length=FIELDS_MAX)  # None: the usual ones

    def fields(self) -> AgentFields:
        values = self.model_dump(mode="json") | {"tools": [tool.value for tool in self.tools]}
        return AgentFields(**values)


class ExtractJson(TypedDict):
    name: str
    type: FieldType
    description: str
    choices: list[str]


class AgentJson(TypedDict):
    id: UUID
    name: Annotated[str, Field(examples=["Alex"])]
    description: str
    type: str
    playbook: str
    prompt: str | None
    prompt_version: Annotated[str, Field(examples=[LATEST])]
    voice: Annotated[str, Field(examples=["en-us"])]
    language: Annotated[str, Field(examples=["en-US"])]
    stt: Annotated[str, Field(examples=["embedded"])]
    model: str
    temperature: float
    max_tokens: int
    tools: list[ToolName]
    active: bool
    extract: list[ExtractJson] | None
    created_at: datetime
    updated_at: datetime


@router.post("", status_code=201, dependencies=[WRITES])
async def post_agent(body: AgentBody, unit: Unit, held: Held, attempt: Attempted) -> Success[AgentJson]:
    made = await once(unit, attempt, lambda part: save_agent(None, body.fields(), part, held.playbooks), agent_json)
    return success(made, status=201)


@router.get("")
async def get_agents(
    unit: Unit,
    page: Annotated[int, Query(ge=1, le=PAGES_MAX)] = 1,
    limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 20,
    kind: Annotated[str | None, Query(alias="type", max_length=40)] = None,
) -> Paged[AgentJson]:
    found = await list_agents(unit, page=page, limit=limit, kind=kind)
    return success([agent_json(read) for read in found.agents], pagination=page_of(page, limit, found.total))


@router.get("/{agent_id}")
async def get_agent(agent_id: UUID, unit: Unit) -> Success[AgentJson]:
    return success(agent_json(await read_agent(agent_id, unit)))


@router.put("/{agent_id}", dependencies=[WRITES])
async def put_agent(agent_id: UUID, body: AgentBody, unit: Unit, held: Held) -> Success[AgentJson]:
    return success(agent_json(await save_agent(agent_id, body.fields(), unit, held.playbooks)))


def agent_json(read: AgentRead) -> AgentJson:
    agent = read.agent
    return {
        "id": agent.id,
        "name": agent.name,
        "description": agent.description,
        "type": agent.type,
        "playbook": agent.playbook,
        "prompt": read.prompt,
        "prompt_version": agent.prompt_version,
        "voice": agent.voice,
        "language": agent.language,
        "stt": agent.stt,
        "model": agent.model,
        "temperature": agent.temperature,
        "max_tokens": agent.max_tokens,
        "tools": [ToolName(name) for name in agent.tools],
        "active": agent.active,
        "extract": agent.extract,
        "created_at": agent.created_at,
        "updated_at": agent.updated_at,
    }
