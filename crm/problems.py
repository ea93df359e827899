"""Every "no" of the HTTP side in one shape: problem details (RFC 9457) with the members of W8.

The one place where a refusal's code becomes a status and a sentence.
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from starlette.exceptions import HTTPException

from crm.billing import problems as billing
from crm.compliance import problems as compliance
from crm.custom_fields import problems as custom_fields
from crm.database import utc_now
from crm.duplicates import problems as duplicates
from crm.exports import problems as exports
from crm.identity import problems as identity
from crm.imports import problems as imports
from crm.inbox import problems as inbox
from crm.invitations import problems as invitations
from crm.jobs import problems as jobs
from crm.keys import problems as keys
from crm.limits import problems as limits
from crm.notes import problems as notes
from crm.people_on_calls import problems as people_on_calls
from crm.phone_numbers import problems as phone_numbers
from crm.pipelines import problems as pipelines
from crm.problem_kinds import Kind, merge
from crm.prompts import problems as prompts
from crm.providers import problems as providers
from crm.queues import problems as queues
from crm.recovery import problems as recovery
from crm.refusals import Refusal
from crm.sign_up import problems as sign_up
from crm.tags import problems as tags
from crm.tasks import problems as tasks
from crm.webhooks import problems as webhooks

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5

log = structlog.get_logger()


# What no feature of its own has a file for.
_SHARED: Final[Mapping[str, Kind]] = {
    "invalid_request": Kind(400, "The request is not valid"),
    "number_invalid": Kind(400, "This is not a valid phone number"),
    "sign_in_failed": Kind(401, "The address or the password is wrong"),
    "not_signed_in": Kind(401, "Sign in first"),
    "no_credit": Kind(402, "The wallet does not pay for this"),
    "tenant_contradiction": Kind(400, "Header and path name two organisations"),
    "tenant_mismatch": Kind(403, "The token is for another organisation"),
    "country_not_allowed": Kind(403, "Calls to this country are not allowed"),
    "number_kind_refused": Kind(403, "Numbers of this kind are never called"),
    "forbidden": Kind(403, "This is not allowed"),
    "lead_not_found": Kind(404, "There is no such lead"),
    "lead_exists": Kind(409, "A lead has this mail address: change that one, or merge the two"),
    "lead_has_calls": Kind(409, "The lead was called, and stays with its calls: erase their content instead"),
    "call_not_found": Kind(404, "There is no such call"),
    "agent_not_found": Kind(404, "There is no such agent"),
    "appointment_not_found": Kind(404, "There is no such appointment"),
    "recording_not_found": Kind(404, "There is no such recording, or its link has expired"),
    "objection_not_found": Kind(404, "There is no such objection"),
    "notes_not_found": Kind(404, "The call has no notes: nobody was spoken with, or its words were erased"),
    "generation_not_found": Kind(404, "There is nothing of that kind to vote on, or its words were erased"),
    "answer_not_found": Kind(404, "There is no such answer, or no longer: ask again"),
    "origin_not_allowed": Kind(403, "Pages of this origin may not use the API"),
    "not_found": Kind(404, "There is nothing here"),
    "method_not_allowed": Kind(405, "This method is not allowed here"),
    "do_not_call": Kind(409, "This person asked not to be called"),
    "node_refused": Kind(409, "The voice node refused the call"),
    "call_over": Kind(409, "The call is over"),
    "idempotency_key_reused": Kind(409, "This Idempotency-Key was used for another request"),
    "request_in_progress": Kind(409, "The first request with this Idempotency-Key is still in progress"),
    "agent_needs_model": Kind(409, "The agent has a prompt, and there is no language model to follow it"),
    "conflict": Kind(409, "This conflicts with what is there"),
    "call_live": Kind(409, "The call is still going on: nothing of it can be erased yet"),
    "notes_by_person": Kind(409, "A person wrote these notes: they stay"),
    "content_erased": Kind(410, "What was said in this call was erased"),
    "recording_erased": Kind(410, "The recording was erased"),
    "version_changed": Kind(412, "Somebody changed this meanwhile: read it again, then change it"),
    "range_not_satisfiable": Kind(416, "The recording has no such range"),
    "http_error": Kind(400, "The request cannot be served"),
    "too_many_answers": Kind(429, "Too many answers are being made: wait for one to end"),
    "internal_error": Kind(500, "Something went wrong on our side"),
    "database_away": Kind(503, "The database does not answer"),
    "redis_away": Kind(503, "The message bus does not answer: nothing was begun"),
    "no_voice_node": Kind(503, "No voice node has room for a call"),
    "node_unavailable": Kind(503, "The voice node cannot take a call now"),
    "models_off": Kind(503, "Language models are switched off by the operator"),
    "model_unavailable": Kind(503, "No model can be asked"),
    "playbook_unusable": Kind(503, "The agent's playbook cannot be used"),
    "recording_locked": Kind(503, "The recording is encrypted, and its key is missing here or is another one"),
    "store_away": Kind(503, "The object store does not answer"),
}
KINDS: Final = merge(
    _SHARED,
    billing.KINDS,
    compliance.KINDS,
    identity.KINDS,
    custom_fields.KINDS,
    duplicates.KINDS,
    exports.KINDS,
    imports.KINDS,
    inbox.KINDS,
    invitations.KINDS,
    jobs.KINDS,
    keys.KINDS,
    limits.KINDS,
    notes.KINDS,
    people_on_calls.KINDS,
    phone_numbers.KINDS,
    pipelines.KINDS,
    prompts.KINDS,
    providers.KINDS,
    sign_up.KINDS,
    queues.KINDS,
    recovery.KINDS,
    tags.KINDS,
    tasks.KINDS,
    webhooks.KINDS,
)
# What a voice node says when another moment, or another node, would do.
PASSING: Final = frozenset(
    {
        "late",
        "node_draining",
        "node_full",
        "node_overloaded",
        "outbox_full",
        "speech_away",
        "crm_away",
        "redis_away",
        "models_off",
    }
)
_BY_STATUS: Final = {401: "not_signed_in", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}


def problem(
    code: str, trace_id: str, details: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Return the answer for one code of KINDS."""
    kind = KINDS[code]
    status = kind.status
    if code == "node_refused" and (details or {}).get("reason") in PASSING:
        status = KINDS["node_unavailable"].status
    extra = dict(headers or {})
    if status == 401:
        extra["WWW-Authenticate"] = "Bearer"
    if details is not None and "retry_after_s" in details:
        extra["Retry-After"] = str(details["retry_after_s"])
    if status == 503:
        extra["Retry-After"] = str(RETRY_AFTER_S)
    body = {
        "type": f"urn:salesos:problem:{code}",
        "title": kind.title,
        "status": status,
        "success": False,
        "code": code,
        "details": jsonable_encoder(details or {}),
        "timestamp": utc_now().isoformat(),
        "trace_id": trace_id,
    }
    return JSONResponse(body, status, headers=extra, media_type=MEDIA_TYPE)


def add_problem_handlers(app: FastAPI) -> None:
    """Let every exception of a known kind leave in the one shape; the rest are RequestContext's."""
    app.add_exception_handler(Refusal, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for kind in (OperationalError, InterfaceError, PoolExhausted, TimeoutError):
        app.add_exception_handler(kind, _database_away)
    app.add_exception_handler(RedisError, _redis_away)


def trace_id_of(request: Request) -> str:
    return str(getattr(request.state, "trace_id", ""))


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refusal), "registered for refusals"
    return problem(error.code, trace_id_of(request), error.details)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError), "registered for validation errors"
    # Never the value: it may be a password or a person's number.
    fields = [
        {"field": ".".join(str(part) for part in fault["loc"]), "fault": str(fault["msg"])} for fault in error.errors()
    ]
    return problem("invalid_request", trace_id_of(request), {"fields": fields})


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException), "registered for HTTP exceptions"
    code = _BY_STATUS.get(error.status_code, "http_error")
    return problem(code, trace_id_of(request), headers=error.headers)


async def _database_away(request: Request, error: Exception) -> JSONResponse:
    log.warning("database.away", error=type(error).__name__)
    return problem("database_away", trace_id_of(request))


async def _redis_away(request: Request, error: Exception) -> JSONResponse:
    log.warning("redis.away", error=type(error).__name__)
    return problem("redis_away", trace_id_of(request))
