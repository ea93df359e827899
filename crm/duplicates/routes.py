"""/api/duplicates: leads that may be one person. Merging: /api/leads/{lead_id}/merge, /api/merges to undo it."""

from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from typing_extensions import TypedDict

from crm.access import Needs, Unit
from crm.answers import Following, Success, followed_by, shown, success
from crm.duplicates.likeness import Reason
from crm.duplicates.merging import Choice
from crm.duplicates.model import Merge
from crm.duplicates.usecases import dismiss, list_merges, list_suggestions, merge, search, undo
from crm.identity.tokens import Identity
from crm.leads.showing import LeadJson, lead_json
from crm.page_cursor import CURSOR_CHARS_MAX
from crm.permissions import Permission
from crm.tags.usecases import tags_of
from crm.versions import IfMatch, etag_of

LIMIT_MAX: Final = 100

NEEDS: Final = Needs(Permission.LEADS_MERGE)
router = APIRouter(dependencies=[Depends(NEEDS)])
Merger = Annotated[Identity, Depends(NEEDS)]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
Field = Literal[
    "name",
    "email",
    "phone",
    "company",
    "source",
    "pipeline",
    "status",
    "score",
    "next_step",
    "time_zone",
    "owner_id",
    "custom_fields",
]


class MergeBody(BaseModel):
    """The lead that goes, and whose value a field is to have where both have one; without a choice the kept lead's."""

    model_config = ConfigDict(extra="forbid")

    gone_id: UUID
    choices: dict[Field, Choice] = {}


class MergedLeadJson(LeadJson):
    merge_id: UUID


class BriefJson(TypedDict):
    id: UUID
    name: str
    email: str | None
    phone: str | None
    company: str
    status: str
    do_not_call: bool
    created_at: datetime
    updated_at: datetime


class SuggestionJson(TypedDict):
    id: UUID
    score: int
    reasons: list[Reason]
    leads: tuple[BriefJson, BriefJson]


class MergeJson(TypedDict):
    id: UUID
    kept_id: UUID
    gone_id: UUID
    merged_by: UUID | None
    at: datetime
    undone_at: datetime | None
    undone_by: UUID | None
    undoable: bool


class SearchJson(TypedDict):
    """Nothing: what is found is listed later."""


@router.post("/api/duplicates/search", status_code=202)
async def post_search(unit: Unit) -> Success[SearchJson]:
    """Have all leads compared with those that come next to them by number, address and name."""
    await search(unit)
    return success(SearchJson(), status=202)


@router.get("/api/duplicates")
async def get_duplicates(
    unit: Unit, cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None, limit: Limit = 20
) -> Following[SuggestionJson]:
    found, following = await list_suggestions(unit, cursor, limit)
    told: list[SuggestionJson] = [
        {
            "id": suggestion.id,
            "score": suggestion.score,
            "reasons": suggestion.reasons,
            "leads": (shown(BriefJson, one), shown(BriefJson, other)),
        }
        for suggestion, one, other in found
    ]
    return success(told, pagination=followed_by(following, limit))


@router.post("/api/duplicates/{suggestion_id}/dismiss", status_code=204)
async def post_dismiss(suggestion_id: UUID, unit: Unit) -> None:
    """They are two people: do not suggest them again."""
    await dismiss(suggestion_id, unit)


@router.post("/api/leads/{lead_id}/merge")
async def post_merge(
    lead_id: UUID, body: MergeBody, person: Merger, unit: Unit, read: IfMatch
) -> Success[MergedLeadJson]:
    """Let this lead take over the other one's calls, tasks, consents and fields; the other one is deleted."""
    choices = {str(field): choice for field, choice in body.choices.items()}
    lead, made = await merge(lead_id, body.gone_id, choices, person, unit, read)
    told: MergedLeadJson = {**lead_json(lead, await tags_of(lead.id, unit)), "merge_id": made.id}
    answer = success(told)
    answer.headers["ETag"] = etag_of(lead.version)
    return answer


@router.get("/api/merges")
async def get_merges(unit: Unit, before: UUID | None = None, limit: Limit = 20) -> Success[list[MergeJson]]:
    return success([_shown(made) for made in await list_merges(unit, before, limit)])


@router.post("/api/merges/{merge_id}/undo")
async def post_undo(merge_id: UUID, person: Merger, unit: Unit) -> Success[MergeJson]:
    """Bring the other lead back, within 30 days; what was changed since stays."""
    return success(_shown(await undo(merge_id, person, unit)))


def _shown(made: Merge) -> MergeJson:
    return {
        "id": made.id,
        "kept_id": made.kept_id,
        "gone_id": made.gone_id,
        "merged_by": made.merged_by,
        "at": made.at,
        "undone_at": made.undone_at,
        "undone_by": made.undone_by,
        "undoable": bool(made.gone),
    }
