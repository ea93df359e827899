"""Who is asking: what routes depend on to get a signed-in person and their organisation's unit of work."""

import hmac
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar, cast

import structlog
from fastapi import Depends, Request
from fastapi.routing import APIRoute

from crm.author import Author, By
from crm.identity import cookies
from crm.identity.sessions import NotSignedIn, refresh
from crm.identity.tokens import Identity
from crm.identity.usecases import identify
from crm.keys.runaway import take_back
from crm.keys.scopes import scopes_for
from crm.keys.secret import MARK
from crm.keys.usecases import identify_key
from crm.organisation_path import NAMED
from crm.permissions import Permission, require
from crm.refusals import Refusal
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork

_BEARER: Final = "bearer "
_READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})

log = structlog.get_logger()


# What refuses those who may not, and has them counted: see crm.limits.strangers.
GUARDS: Final[set[Callable[..., Any]]] = set()

Guard = TypeVar("Guard", bound=Callable[..., Any])


def guard(function: Guard) -> Guard:
    """Mark a dependency that asks who one is."""
    GUARDS.add(function)
    return function


def resources_of(request: Request) -> Resources:
    return cast(Resources, request.app.state.resources)


Held = Annotated[Resources, Depends(resources_of)]


@guard
async def person_by_bearer(request: Request, held: Held) -> Identity:
    """Return who asks: of a token, or who made the API key.

    Raises:
        NotSignedIn
        Refusal: the key does not reach the route, or header or path name another organisation than the bearer's.
    """
    bearer = _bearer(request)
    try:
        if bearer.startswith(MARK):
            identity = await _person_of_key(bearer, request, held)
        else:
            identity = await identify(bearer, held.standings, held.secret_key)
            await _admit(identity, request, held)
    except NotSignedIn:
        await held.gate.admit_stranger(request)
        raise
    _check_named(request, identity)
    return identity


def _check_named(request: Request, identity: Identity) -> None:
    """Hold the organisation that header and path name, if they do, against the bearer's (S17)."""
    header = request.headers.get("x-tenant-id")
    in_header = header.strip().lower() if header is not None else None
    path = getattr(request.state, NAMED, None)
    in_path = str(path) if path is not None else None
    if in_header is not None and in_path is not None and in_header != in_path:
        raise Refusal("tenant_contradiction")
    if {in_header, in_path} - {None, str(identity.org_id)}:
        log.warning("access.tenant_mismatch", user_id=str(identity.user_id), org_id=str(identity.org_id))
        raise Refusal("tenant_mismatch")


async def _person_of_key(bearer: str, request: Request, held: Held) -> Identity:
    asking = await identify_key(bearer, held.sessions)
    request.state.key_id, request.state.identity = asking.key_id, asking.person
    route = _route(request)
    try:
        await held.gate.admit_key(request, asking.person.org_id, asking.key_id, route.path)
        needed = scopes_for(request.method, route.path, permissions_of(route))
        if needed is None:
            raise Refusal("not_for_keys")
        if missing := sorted(needed - asking.scopes):
            raise Refusal("scope_missing", {"needs": missing})
    except Refusal:
        if await held.gate.is_wild(asking.key_id):
            await take_back(asking.key_id, UnitOfWork(held.sessions, asking.person.org_id))
        raise
    return asking.person


async def _admit(identity: Identity, request: Request, held: Held) -> None:
    request.state.identity = identity
    await held.gate.admit_person(request, identity.org_id, identity.user_id, _route(request).path)


def _route(request: Request) -> APIRoute:
    route = request.scope["route"]
    assert isinstance(route, APIRoute), "only routes depend on who asks"
    return route


@guard
async def person_by_cookie(request: Request, held: Held) -> Identity:
    """Return a page's visitor, and give them a new access token when the old one has run out.

    Raises:
        NotSignedIn
    """
    try:
        identity = await identify(request.cookies.get(cookies.ACCESS, ""), held.standings, held.secret_key)
    except NotSignedIn:
        identity = await _refreshed(request, held)
    await _admit(identity, request, held)
    return identity


async def _refreshed(request: Request, held: Held) -> Identity:
    token = request.cookies.get(cookies.REFRESH, "")
    try:
        signed_in = await refresh(token, None, held.sessions, held.standings, held.secret_key)
    except NotSignedIn:
        await held.gate.admit_stranger(request)
        raise
    cookies.leave_both(request, signed_in)
    return signed_in.identity


@guard
async def internal_caller(request: Request, held: Held) -> None:
    """Raises NotSignedIn: not one of our own voice nodes."""
    if not hmac.compare_digest(_bearer(request).encode(), held.internal_key.encode()):
        await held.gate.admit_stranger(request)
        raise NotSignedIn


Person = Annotated[Identity, Depends(person_by_bearer)]
Visitor = Annotated[Identity, Depends(person_by_cookie)]


class Needs:
    """What a route takes beyond belonging to the organisation: `Depends(Needs(Permission.…))`, giving the person."""

    def __init__(self, permission: Permission) -> None:
        self.permission: Final = permission

    async def __call__(self, person: Person) -> Identity:
        """Raises NotSignedIn, NotAllowed."""
        require(person.role, self.permission)
        return person


def permissions_of(route: APIRoute) -> frozenset[Permission]:
    """Return what a route says that it needs."""
    asked = (dependency.call for dependency in route.dependant.dependencies)
    return frozenset(call.permission for call in asked if isinstance(call, Needs))


async def unit_of_person(request: Request, person: Person, held: Held) -> UnitOfWork:
    if held.replica is not None and request.method not in _READING:
        held.replica.note_write(person.org_id)
    return UnitOfWork(held.sessions, person.org_id, by=_author(request, person))


def _author(request: Request, person: Identity) -> Author:
    key_id = getattr(request.state, "key_id", None)
    return Author(By.KEY, key_id) if key_id is not None else Author(By.USER, person.user_id)


async def reading_unit_of_person(person: Person, held: Held) -> UnitOfWork:
    """Return a unit that only reads, by a replica where there is one that is near enough (W15)."""
    if held.replica is not None and held.replica.serves(person.org_id):
        return UnitOfWork(held.replica.sessions, person.org_id, otherwise=held.sessions)
    return UnitOfWork(held.sessions, person.org_id)


def unit_of_visitor(visitor: Visitor, held: Held) -> UnitOfWork:
    return UnitOfWork(held.sessions, visitor.org_id, by=Author(By.USER, visitor.user_id))


Unit = Annotated[UnitOfWork, Depends(unit_of_person)]
# Of lists, searches and timelines: a moment behind, perhaps.
ReadUnit = Annotated[UnitOfWork, Depends(reading_unit_of_person)]
VisitorUnit = Annotated[UnitOfWork, Depends(unit_of_visitor)]


def _bearer(request: Request) -> str:
    header = request.headers.get("authorization", "")
    return header[len(_BEARER) :].strip() if header.lower().startswith(_BEARER) else ""
