"""Which scopes open which routes."""

from crm.access import permissions_of
from crm.features import routes
from crm.keys.scopes import FOR_PEOPLE, ORDINARY, SCOPES, may_give, scopes_for
from crm.permissions import Permission, Role


def test_every_scope_opens_a_route() -> None:
    opened: set[str] = set()
    for route in routes():
        for method in route.methods or ():
            opened |= scopes_for(method, route.path, permissions_of(route)) or frozenset()
    assert opened == SCOPES


def test_a_route_nobody_spoke_of_is_closed() -> None:
    assert scopes_for("GET", "/api/nothing", frozenset()) is None
    assert scopes_for("GET", "/api/leadsmore", frozenset()) is None
    assert scopes_for("POST", "/api/sessions", frozenset()) is None
    assert scopes_for("GET", "/internal/usage", frozenset()) is None


def test_reading_and_writing_are_apart() -> None:
    assert scopes_for("GET", "/api/leads/{lead_id}", frozenset()) == frozenset({"leads:read"})
    assert scopes_for("PUT", "/api/leads/{lead_id}", frozenset()) == frozenset({"leads:write"})
    erase = frozenset({Permission.CALLS_ERASE})
    assert scopes_for("DELETE", "/api/calls/{call_id}/content", erase) == frozenset({"calls:erase"})


def test_what_is_for_people_is_no_scope() -> None:
    for permission in FOR_PEOPLE:
        assert permission.value not in SCOPES
        assert scopes_for("GET", "/api/leads", frozenset({permission})) is None
        assert not may_give(Role.ADMIN, permission.value)


def test_one_gives_what_one_has() -> None:
    assert all(may_give(Role.ADMIN, scope) for scope in SCOPES)
    assert [scope for scope in sorted(SCOPES - ORDINARY) if may_give(Role.ENGINEER, scope)] == [
        "agents:write",
        "events:retry",
        "jobs:retry",
        "prompts:write",
    ]
    assert not may_give("owner", "calls:erase")
