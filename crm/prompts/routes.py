"""/api/prompts: what language models are told, in versions; which of them is in force, also in live calls."""

from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from crm.access import Held, Needs, Person, Unit
from crm.answers import success
from crm.identity.tokens import Identity
from crm.permissions import Permission
from crm.prompts.live import Told, tell_live_calls
from crm.prompts.model import Prompt, PromptVersion
from crm.prompts.template import NAME, TEXT_CHARS_MAX, VALUE_CHARS_MAX, VARIABLES_MAX
from crm.prompts.usecases import (
    Draft,
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

SLUG_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,59}$"
# Postgres stores no NUL, and says so late and badly.
NO_NUL: Final = r"^[^\x00]*$"

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


@router.get("")
async def get_prompts(unit: Unit) -> JSONResponse:
    return success([prompt_json(prompt) for prompt in await list_prompts(unit)])


@router.post("", status_code=201)
async def post_prompt(body: PromptBody, person: Writer, unit: Unit) -> JSONResponse:
    made = await write_prompt(body.slug, body.description, body.draft(), person, unit)
    return success(prompt_json(made.prompt) | {"versions": [version_json(v) for v in made.versions]}, status=201)


@router.get("/{slug}")
async def get_prompt(slug: Slug, unit: Unit) -> JSONResponse:
    found = await read_prompt(slug, unit)
    return success(prompt_json(found.prompt) | {"versions": [version_json(v) for v in found.versions]})


@router.get("/{slug}/text")
async def get_text(
    slug: Slug,
    person: Person,
    held: Held,
    version: Annotated[str, Query(max_length=20)] = LATEST,
    call_id: UUID | None = None,
) -> JSONResponse:
    """What a model is told: of what is in force, of an exact version, or of what a certain call has."""
    compiled = await held.prompts.read(person.org_id, slug, version, call_id)
    return success({"version": compiled.number, "text": compiled.text, "variables": compiled.defaults})


@router.post("/{slug}/versions", status_code=201)
async def post_version(slug: Slug, body: NewVersionBody, person: Writer, unit: Unit, held: Held) -> JSONResponse:
    prompt, version = await add_version(slug, body.draft(), person, unit, major=body.major, activate=body.activate)
    told = await _tell(prompt, held) if body.activate else Told()
    return success(version_json(version) | _told(prompt, told), status=201)


@router.put("/{slug}/active")
async def put_active(slug: Slug, body: ActiveBody, person: Writer, unit: Unit, held: Held) -> JSONResponse:
    prompt = await activate_version(slug, body.version, person, unit)
    return success(_told(prompt, await _tell(prompt, held)))


@router.post("/{slug}/rollback")
async def post_rollback(slug: Slug, person: Writer, unit: Unit, held: Held) -> JSONResponse:
    prompt = await roll_back(slug, person, unit)
    return success(_told(prompt, await _tell(prompt, held)))


@router.put("/{slug}/shares", dependencies=[Depends(Needs(Permission.PROMPTS_WRITE))])
async def put_shares(slug: Slug, body: SharesBody, unit: Unit, held: Held) -> JSONResponse:
    prompt = await compare_versions(slug, body.shares, unit)
    return success(_told(prompt, await _tell(prompt, held)))


async def _tell(prompt: Prompt, held: Resources) -> Told:
    return await tell_live_calls(prompt.id, prompt.org_id, held.sessions, held.nodes, held.prompts)


def _told(prompt: Prompt, told: Told) -> dict[str, Any]:
    return {
        "active": prompt.active,
        "shares": prompt.shares,
        "live_calls": {"told": told.calls, "unreached": told.unreached},
    }


def prompt_json(prompt: Prompt) -> dict[str, Any]:
    return {
        "slug": prompt.slug,
        "description": prompt.description,
        "active": prompt.active,
        "shares": prompt.shares,
        "created_at": prompt.created_at,
        "updated_at": prompt.updated_at,
    }


def version_json(version: PromptVersion) -> dict[str, Any]:
    return {
        "version": str(version.number),
        "template": version.template,
        "variables": version.variables,
        "note": version.note,
        "created_by": version.created_by,
        "created_at": version.created_at,
    }
