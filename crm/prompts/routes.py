"""/api/prompts: what language models are told, in versions; which of them is in force, also in live calls."""

from datetime import datetime
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel, ConfigDict, Field, StringConstraints
from typing_extensions import TypedDict

from crm.access import Held, Needs, Person, Unit
from crm.answers import Success, shown, success
from crm.idempotency.writes import Attempted, once
from crm.identity.tokens import Identity
from crm.permissions import Permission
from crm.prompts.live import Told, tell_live_calls
from crm.prompts.model import Prompt, PromptVersion
from crm.prompts.template import NAME, TEXT_CHARS_MAX, VALUE_CHARS_MAX, VARIABLES_MAX
from crm.prompts.usecases import (
    Draft,
    PromptRead,
    activate_version,
    add_version,
    compare_versions,
    list_prompts,
    read_prompt,
    roll_back,
    write_prompt,
)
from crm.prompts.versions import LATEST
from crm.resources import Resources
from crm.text_patterns import NO_NUL
from crm.unit_of_work import UnitOfWork

SLUG_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,59}$"
# Postgres stores no NUL, and says so late and badly.

router = APIRouter(prefix="/api/prompts")
Writer = Annotated[Identity, Depends(Needs(Permission.PROMPTS_WRITE))]

Slug = Annotated[str, Path(pattern=SLUG_PATTERN)]
Number = Annotated[str, StringConstraints(max_length=20)]
VariableName = Annotated[str, StringConstraints(pattern=f"^{NAME.pattern}$")]
VariableValue = Annotated[str, StringConstraints(max_length=VALUE_CHARS_MAX, pattern=NO_NUL)]


class VersionBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    template: str = Field(min_length=1, max_length=TEXT_CHARS_MAX, pattern=NO_NUL)
    variables: dict[VariableName, VariableValue] = Field({}, max_length=VARIABLES_MAX)
    note: str = Field("", max_length=500, pattern=NO_NUL)

    def draft(self) -> Draft:
        return Draft(self.template, self.variables, self.note)


class PromptBody(VersionBody):
    slug: str = Field(pattern=SLUG_PATTERN)
    description: str = Field("", max_length=2_000, pattern=NO_NUL)


class NewVersionBody(VersionBody):
    major: bool = False
    activate: bool = False


class ActiveBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Number


class SharesBody(BaseModel):
    """Percent of the calls by version."""

    model_config = ConfigDict(extra="forbid")

    shares: dict[Number, int] = Field(max_length=10)


class PromptJson(TypedDict):
    slug: Annotated[str, Field(examples=["first-call"])]
    description: str
    active: Annotated[str, Field(examples=["1.1"])]
    shares: dict[str, int]
    created_at: datetime
    updated_at: datetime


class VersionJson(TypedDict):
    version: Annotated[str, Field(examples=["1.1"])]
    template: Annotated[str, Field(examples=["You call {name}. Be brief."])]
    variables: dict[str, str]
    note: str
    created_by: UUID | None
    created_at: datetime


class WholePromptJson(PromptJson):
    versions: list[VersionJson]


class TextJson(TypedDict):
    version: Annotated[str, Field(examples=["1.1"])]
    text: str
    variables: dict[str, str]


class LiveCallsJson(TypedDict):
    """How many calls that go on were told, and how many could not be."""

    told: int
    unreached: int


class InForceJson(TypedDict):
    active: Annotated[str, Field(examples=["1.1"])]
    shares: dict[str, int]
    live_calls: LiveCallsJson


class WrittenJson(VersionJson, InForceJson):
    """The version that was added, and what is in force now."""


@router.get("")
async def get_prompts(unit: Unit) -> Success[list[PromptJson]]:
    return success([prompt_json(prompt) for prompt in await list_prompts(unit)])


@router.post("", status_code=201)
async def post_prompt(body: PromptBody, person: Writer, unit: Unit, attempt: Attempted) -> Success[WholePromptJson]:
    asked = (body.slug, body.description, body.draft(), person)
    made = await once(unit, attempt, lambda part: write_prompt(*asked, part), _whole)
    return success(made, status=201)


@router.get("/{slug}")
async def get_prompt(slug: Slug, unit: Unit) -> Success[WholePromptJson]:
    return success(_whole(await read_prompt(slug, unit)))


@router.get("/{slug}/text")
async def get_text(
    slug: Slug,
    person: Person,
    held: Held,
    version: Annotated[str, Query(max_length=20)] = LATEST,
    call_id: UUID | None = None,
) -> Success[TextJson]:
    """What a model is told: of what is in force, of an exact version, or of what a certain call has."""
    compiled = await held.prompts.read(person.org_id, slug, version, call_id)
    return success({"version": compiled.number, "text": compiled.text, "variables": dict(compiled.defaults)})


@router.post("/{slug}/versions", status_code=201)
async def post_version(
    slug: Slug, body: NewVersionBody, person: Writer, unit: Unit, held: Held, attempt: Attempted
) -> Success[WrittenJson]:
    added: list[Prompt] = []

    async def add(part: UnitOfWork) -> WrittenJson:
        prompt, version = await add_version(slug, body.draft(), person, part, major=body.major, activate=body.activate)
        added.append(prompt)
        return WrittenJson(**version_json(version), **_told(prompt, Told()))

    made = await once(unit, attempt, add)
    if added and body.activate:
        # A request that comes again finds them told.
        made |= jsonable_encoder(_told(added[0], await _tell(added[0], held)))
    return success(made, status=201)


@router.put("/{slug}/active")
async def put_active(slug: Slug, body: ActiveBody, person: Writer, unit: Unit, held: Held) -> Success[InForceJson]:
    prompt = await activate_version(slug, body.version, person, unit)
    return success(_told(prompt, await _tell(prompt, held)))


@router.post("/{slug}/rollback")
async def post_rollback(slug: Slug, person: Writer, unit: Unit, held: Held) -> Success[InForceJson]:
    prompt = await roll_back(slug, person, unit)
    return success(_told(prompt, await _tell(prompt, held)))


@router.put("/{slug}/shares", dependencies=[Depends(Needs(Permission.PROMPTS_WRITE))])
async def put_shares(slug: Slug, body: SharesBody, unit: Unit, held: Held) -> Success[InForceJson]:
    prompt = await compare_versions(slug, body.shares, unit)
    return success(_told(prompt, await _tell(prompt, held)))


async def _tell(prompt: Prompt, held: Resources) -> Told:
    return await tell_live_calls(prompt.id, prompt.org_id, held.sessions, held.nodes, held.prompts)


def _told(prompt: Prompt, told: Told) -> InForceJson:
    return {
        "active": prompt.active,
        "shares": prompt.shares,
        "live_calls": {"told": told.calls, "unreached": told.unreached},
    }


def _whole(found: PromptRead) -> WholePromptJson:
    return {**prompt_json(found.prompt), "versions": [version_json(version) for version in found.versions]}


def prompt_json(prompt: Prompt) -> PromptJson:
    return shown(PromptJson, prompt)


def version_json(version: PromptVersion) -> VersionJson:
    return {
        "version": str(version.number),
        "template": version.template,
        "variables": version.variables,
        "note": version.note,
        "created_by": version.created_by,
        "created_at": version.created_at,
    }
