"""What the roles of an organisation may do. Sans-I/O.

Everybody who belongs to an organisation reads it and works its leads; what is listed here takes a role. A route says
what it takes by `Needs` (see access), which is the one guard. Scopes of API keys are the same names.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from crm.refusals import Refusal


class Role(StrEnum):
    ADMIN = "admin"
    MANAGER = "manager"
    REP = "rep"
    SUPERVISOR = "supervisor"
    ENGINEER = "engineer"


class Permission(StrEnum):
    """Folder, colon, verb. A contract with API clients: names stay."""

    AGENTS_WRITE = "agents:write"
    AUDIT_READ = "audit:read"  # who did what
    BILLING_REFUND = "billing:refund"  # gives back what a call was charged
    CALLS_ERASE = "calls:erase"
    CALLS_JOIN = "calls:join"  # talks in the organisation's calls
    CALLS_LISTEN = "calls:listen"  # listens in, whispers and steps in, as a supervisor
    CONSENTS_GRANT = "consents:grant"  # lifts a refusal, with proof
    CUSTOM_FIELDS_WRITE = "custom_fields:write"  # which fields of leads are defined, and how
    EVENTS_RETRY = "events:retry"  # the organisation's events of calls that could not be applied
    IMPORTS_WRITE = "imports:write"  # many leads at once, from a file
    JOBS_RETRY = "jobs:retry"  # the organisation's jobs that failed for good
    KEYS_WRITE = "keys:write"  # API keys
    LEADS_DELETE = "leads:delete"  # for good
    LEADS_EXPORT = "leads:export"  # all that is known of people, as files
    LEADS_MERGE = "leads:merge"  # two of one person into one
    MEMBERS_WRITE = "members:write"  # who belongs to the organisation, as what
    NUMBERS_WRITE = "numbers:write"  # where the organisation is rung up, and who takes those calls
    PIPELINES_WRITE = "pipelines:write"  # which pipelines and stages there are; everybody moves leads
    PROMPTS_WRITE = "prompts:write"
    PROVIDERS_WRITE = "providers:write"  # the organisation's own keys
    QUEUES_WRITE = "queues:write"  # where callers wait for people, and for whom
    SETTINGS_WRITE = "settings:write"  # what holds for all calls: recording, booking hours, who takes over
    TAGS_WRITE = "tags:write"  # which tags there are; everybody puts them on leads
    VOTES_EXPORT = "votes:export"
    WEBHOOKS_WRITE = "webhooks:write"  # where events are posted to, and what was posted


ROLES: Final[Mapping[Role, frozenset[Permission]]] = {
    Role.ADMIN: frozenset(Permission),
    Role.MANAGER: frozenset(
        {
            Permission.AGENTS_WRITE,
            Permission.CALLS_JOIN,
            Permission.CALLS_LISTEN,
            Permission.CONSENTS_GRANT,
            Permission.CUSTOM_FIELDS_WRITE,
            Permission.IMPORTS_WRITE,
            Permission.LEADS_DELETE,
            Permission.LEADS_EXPORT,
            Permission.LEADS_MERGE,
            Permission.NUMBERS_WRITE,
            Permission.PIPELINES_WRITE,
            Permission.PROMPTS_WRITE,
            Permission.QUEUES_WRITE,
            Permission.TAGS_WRITE,
            Permission.VOTES_EXPORT,
        }
    ),
    Role.REP: frozenset({Permission.CALLS_JOIN}),
    Role.SUPERVISOR: frozenset({Permission.CALLS_JOIN, Permission.CALLS_LISTEN}),
    Role.ENGINEER: frozenset(
        {Permission.AGENTS_WRITE, Permission.EVENTS_RETRY, Permission.JOBS_RETRY, Permission.PROMPTS_WRITE}
    ),
}


class NotAllowed(Refusal):
    """Names what is missing, and the roles that have it."""

    def __init__(self, permission: Permission) -> None:
        roles = [role.value for role, has in ROLES.items() if permission in has]
        super().__init__("forbidden", {"needs": permission.value, "roles": roles})


def may(role: str, permission: Permission) -> bool:
    """Whether somebody of that role may; a role that is not known may nothing."""
    return role in ROLES and permission in ROLES[Role(role)]


def require(role: str, permission: Permission) -> None:
    """Raises NotAllowed: somebody of that role may not."""
    if not may(role, permission):
        raise NotAllowed(permission)
