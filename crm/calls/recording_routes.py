"""/recordings and what belongs to them: links, listening, erasure, how long they are kept."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from crm.access import Held, Needs, Unit
from crm.answers import Success, success
from crm.calls.erasure import CONTENT, RECORDING, erase, retention_of, set_retention
from crm.calls.model import Erasure
from crm.calls.playback import open_playback
from crm.calls.recordings import LINK_LIFETIME_S, content_type_of, kept_under, link_to, span_of
from crm.identity.tokens import Identity
from crm.permissions import Permission

RETENTION_DAYS_MAX = 36_500

router = APIRouter()
Eraser = Annotated[Identity, Depends(Needs(Permission.CALLS_ERASE))]
Setter = Annotated[Identity, Depends(Needs(Permission.SETTINGS_WRITE))]


class Retention(BaseModel):
    """Days after a call for which its recording is kept; null: without end."""

    retention_days: Annotated[int, Field(ge=1, le=RETENTION_DAYS_MAX)] | None


class LinkJson(TypedDict):
    url: Annotated[str, Field(examples=["/recordings/…"])]
    expires_in_s: int


class ErasureJson(TypedDict):
    call_id: UUID
    scope: Annotated[str, Field(examples=[RECORDING])]
    reason: Annotated[str, Field(examples=["request"])]
    erased_at: datetime


class RetentionJson(TypedDict):
    retention_days: int | None


@router.get("/api/calls/{call_id}/recording")
async def get_recording_link(call_id: UUID, unit: Unit, held: Held) -> Success[LinkJson]:
    return success({"url": await link_to(call_id, unit, held.secret_key), "expires_in_s": LINK_LIFETIME_S})


@router.delete("/api/calls/{call_id}/recording")
async def delete_recording(call_id: UUID, person: Eraser, unit: Unit) -> Success[ErasureJson]:
    return _erased(await erase(call_id, RECORDING, person, unit))


@router.delete("/api/calls/{call_id}/content")
async def delete_content(call_id: UUID, person: Eraser, unit: Unit) -> Success[ErasureJson]:
    """The recording, the transcript, and the words in the call's events."""
    return _erased(await erase(call_id, CONTENT, person, unit))


@router.get("/api/settings/recordings")
async def get_retention(unit: Unit) -> Success[RetentionJson]:
    return success({"retention_days": await retention_of(unit)})


@router.put("/api/settings/recordings")
async def put_retention(body: Retention, person: Setter, unit: Unit) -> Success[RetentionJson]:
    await set_retention(body.retention_days, person, unit)
    return success({"retention_days": body.retention_days})


@router.get("/recordings/{token}", response_class=StreamingResponse)
async def get_recording(token: str, request: Request, held: Held) -> StreamingResponse:
    """Serve a recording to whoever has a link; players ask for ranges."""
    kept = await kept_under(token, held.sessions, held.secret_key)
    playback = await open_playback(held.store, kept, held.recording_master)
    span = span_of(request.headers.get("range"), playback.size_bytes)
    headers = {
        "Accept-Ranges": "bytes",
        "Content-Length": str(span.end - span.start),
        "Cache-Control": "private, no-store",
    }
    if span.partial:
        headers["Content-Range"] = f"bytes {span.start}-{span.end - 1}/{span.size}"
    return StreamingResponse(
        playback.read(span),
        status_code=206 if span.partial else 200,
        headers=headers,
        media_type=content_type_of(kept.key),
    )


def _erased(erasure: Erasure) -> Success[ErasureJson]:
    return success(
        {"call_id": erasure.call_id, "scope": erasure.scope, "reason": erasure.reason, "erased_at": erasure.at}
    )
