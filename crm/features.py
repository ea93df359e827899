"""The features of the CRM's HTTP side, one import and one line each; a new folder adds its own.

Paths of two features never overlap, so their order means nothing. The pages are added by crm.pages.
"""

from collections.abc import Iterator
from types import ModuleType
from typing import Final

from fastapi.routing import APIRoute

from crm import health
from crm.agents import routes as agents
from crm.appointments import routes as appointments
from crm.audit import routes as audit
from crm.billing import archive_routes as ledger_archive
from crm.billing import ledger_routes as replays
from crm.billing import operator_routes as billing_by_operator
from crm.billing import plan_routes as plans
from crm.billing import routes as billing
from crm.calls import recording_routes as recordings
from crm.calls import routes as calls
from crm.chat import routes as chat
from crm.compliance import hours_routes as calling_hours
from crm.compliance import routes as compliance
from crm.consents import routes as consents
from crm.custom_fields import routes as custom_fields
from crm.duplicates import routes as duplicates
from crm.exports import routes as exports
from crm.identity import me_routes as me
from crm.identity import member_routes as members
from crm.identity import password_routes as passwords
from crm.identity import routes as identity
from crm.identity import session_routes as sign_ins
from crm.imports import routes as imports
from crm.inbox import routes as inbox
from crm.invitations import routes as invitations
from crm.jobs import routes as jobs
from crm.keys import routes as keys
from crm.leads import routes as leads
from crm.legs import routes as legs
from crm.notes import routes as notes
from crm.people_on_calls import dial_routes as dials_by_people
from crm.people_on_calls import routes as people_on_calls
from crm.people_on_calls import standing_routes as standing_of_people
from crm.phone_numbers import incoming_routes as incoming
from crm.phone_numbers import routes as phone_numbers
from crm.pipelines import routes as pipelines
from crm.prompts import routes as prompts
from crm.providers import routes as providers
from crm.queues import attendance_routes as attendance
from crm.queues import routes as queues
from crm.recovery import routes as recovery
from crm.scoring import routes as scoring
from crm.sign_up import routes as sign_up
from crm.tags import routes as tags
from crm.tasks import routes as tasks
from crm.timeline import routes as timeline
from crm.tools import routes as tools
from crm.tools import settings_routes as transfers
from crm.understanding import routes as understanding
from crm.usage import routes as usage
from crm.votes import routes as votes
from crm.webhooks import routes as webhooks

# Each has a `router`.
FEATURES: Final[tuple[ModuleType, ...]] = (
    agents,
    appointments,
    attendance,
    audit,
    billing,
    billing_by_operator,
    calling_hours,
    calls,
    chat,
    compliance,
    consents,
    custom_fields,
    dials_by_people,
    duplicates,
    exports,
    health,
    identity,
    imports,
    inbox,
    incoming,
    invitations,
    jobs,
    keys,
    leads,
    ledger_archive,
    legs,
    standing_of_people,
    me,
    members,
    notes,
    passwords,
    people_on_calls,
    phone_numbers,
    pipelines,
    plans,
    prompts,
    providers,
    queues,
    recordings,
    recovery,
    replays,
    scoring,
    sign_ins,
    sign_up,
    tags,
    tasks,
    timeline,
    tools,
    transfers,
    understanding,
    usage,
    votes,
    webhooks,
)


def routes() -> Iterator[APIRoute]:
    """Yield every route of every feature; those without `include_in_schema` are for our own processes and pages."""
    for feature in FEATURES:
        for route in feature.router.routes:
            assert isinstance(route, APIRoute), "a feature adds plain routes to its router, no routers or sockets"
            yield route
