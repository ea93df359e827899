"""What API keys may be let into. Sans-I/O.

A key reaches a route only by a scope, and a route that nothing is said about here is closed to keys. What takes a
permission of a person (see crm.permissions) takes the scope of that name of a key. What everybody of the
organisation may do takes `FOLDER:read` for reading, `FOLDER:write` for the rest.
"""

from collections.abc import Mapping
from typing import Final

from crm.permissions import Permission, may

# The paths that keys get into, by how they begin.
_FOLDERS: Final[Mapping[str, str]] = {
    "/api/agents": "agents",
    "/api/appointments": "appointments",
    "/api/availability": "calls",
    "/api/calls": "calls",
    "/api/chat": "chat",
    "/api/conversations": "conversations",
    "/api/custom-fields": "leads",
    "/api/leads": "leads",
    "/api/ledger": "ledger",
    "/api/objections": "calls",
    "/api/organisation": "settings",
    "/api/phone-numbers": "settings",
    "/api/pipelines": "leads",
    "/api/plan": "ledger",
    "/api/prompts": "prompts",
    "/api/providers": "providers",
    "/api/queues": "settings",
    "/api/settings": "settings",
    "/api/tags": "leads",
    "/api/tasks": "leads",
    "/api/votes": "votes",
}
# A key that made keys or members would outlive every revocation, and grant itself what it was not given; and in a call
# people hear who is there.
FOR_PEOPLE: Final = frozenset(
    {Permission.CALLS_JOIN, Permission.CALLS_LISTEN, Permission.KEYS_WRITE, Permission.MEMBERS_WRITE}
)
# What everybody of the organisation may do, and so may give to a key.
ORDINARY: Final = frozenset(
    {
        "agents:read",
        "appointments:read",
        "appointments:write",
        "calls:read",
        "calls:write",
        "chat:read",
        "chat:write",
        "conversations:read",
        "conversations:write",
        "leads:read",
        "leads:write",
        "ledger:read",
        "prompts:read",
        "providers:read",
        "settings:read",
        "votes:write",
    }
)
SCOPES: Final = ORDINARY | {permission.value for permission in Permission} - {item.value for item in FOR_PEOPLE}


def scopes_for(method: str, path: str, permissions: frozenset[Permission]) -> frozenset[str] | None:
    """Return what a key needs, all of it, for a route; None: keys are not taken.

    Args:
        path: as the route declares it, not as it was asked for.
        permissions: what the route takes of people.
    """
    if permissions:
        return None if permissions & FOR_PEOPLE else frozenset(permission.value for permission in permissions)
    folder = next((folder for begins, folder in _FOLDERS.items() if f"{path}/".startswith(f"{begins}/")), "")
    scope = f"{folder}:{'read' if method in ('GET', 'HEAD') else 'write'}"
    return frozenset({scope}) if scope in ORDINARY else None


def may_give(role: str, scope: str) -> bool:
    """Whether somebody of that role may give a scope: what they may do themselves."""
    if scope in ORDINARY:
        return True
    return scope in SCOPES and may(role, Permission(scope))
