"""One row of an organisation in every table: what is to be lost with it, and seen by nobody else.

A feature with a table of its own adds one filler, which is a few lines, to FILLERS.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from redis.asyncio import Redis
from sqlalchemy import delete, update

from crm.appointments.model import Appointment
from crm.audit.model import AuditEntry
from crm.billing.archive import put_away, put_away_before
from crm.billing.conditions import ConditionStore
from crm.billing.model import BalanceAlert, Refund, Transaction
from crm.billing.prices import Resource
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.model import Erasure, EventCursor
from crm.consents.model import Consent
from crm.custom_fields.model import CustomField
from crm.database import Sessions, utc_now
from crm.duplicates.model import Merge, Suggestion
from crm.exports.model import Export, Format
from crm.idempotency.keys import Attempt
from crm.identity.tokens import Identity
from crm.imports.model import Import, ImportFault, State
from crm.inbox.channels import Channel, Role
from crm.inbox.model import Conversation
from crm.inbox.store import InboxStore
from crm.inbox.writing import NewMessage, write
from crm.invitations.model import Invitation
from crm.keys.model import ApiKey
from crm.keys.secret import make_key
from crm.leads.model import Lead
from crm.legs.model import CallLeg
from crm.mail.port import Letter
from crm.mail.posting import MAIL
from crm.notes.model import Note
from crm.outbox.model import OutboxEvent
from crm.phone_numbers.model import PhoneNumber
from crm.prompts.usecases import Draft, write_prompt
from crm.providers.model import ProviderKey
from crm.queues.model import Queue, QueueMember
from crm.resources import Resources
from crm.tags.model import LeadTag, Tag
from crm.tools.model import ToolRun
from crm.understanding.model import CallNotes, Objection
from crm.unit_of_work import UnitOfWork
from crm.votes.model import Vote
from crm.webhooks.model import Delivery, Webhook
from events.call import Answered, FactKind, FactNoted, Speaker, TurnFinished
from events.ids import new_id
from events.money import Millicredits
from tests.crm.conftest import Org
from tests.crm.fake_node import CallScript, publish


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation of `make_org` whose lead has been called."""

    org: Org
    call_id: UUID
    sessions: Sessions

    @property
    def admin(self) -> Identity:
        return Identity(self.org.user_id, self.org.email, "admin", self.org.id)


Filler = Callable[[Place, UnitOfWork], Awaitable[None]]
"""Adds rows in a transaction that is open and committed for it."""


async def fill(org: Org, resources: Resources, redis: Redis) -> Place:
    """Let the organisation have one of everything. Takes a voice node that answers (the fixture `node`)."""
    call_id = await _call(org, resources, redis)
    place = Place(org, call_id, resources.sessions)
    await write_prompt("meeting", "", Draft("Be polite.", {}), place.admin, UnitOfWork(place.sessions, org.id))
    for filler in FILLERS:
        async with UnitOfWork(place.sessions, org.id) as unit:
            await filler(place, unit)
            await unit.commit()
    return place


async def _call(org: Org, resources: Resources, redis: Redis) -> UUID:
    """Have the lead called: decisions, the ledger, turns, tasks, an event that waits and one that cannot be applied."""
    request = DialRequest(lead_id=org.lead_id, attempt=Attempt("key", "body"))
    answer = await resources.dialler.dial(request, org.id)
    async with UnitOfWork(resources.sessions) as unit:
        await unit.session.execute(delete(EventCursor))
        await unit.commit()
    script = CallScript(org.id, answer.call_id)
    good = [
        script.event(Answered()),
        script.event(TurnFinished(1, Speaker.CALLER, "hello", "hello", 1, 2)),
        script.event(FactNoted(FactKind.CALLBACK_REQUESTED, when="soon")),
    ]
    waiting = script.event(Answered(), seq=9)
    bad = script.event(TurnFinished(2, Speaker.CALLER, "\x00", "", 1, 2))
    await publish(redis, *good, waiting, bad)
    await EventConsumer(resources.sessions, redis, block_ms=10).turn()
    return answer.call_id


async def _api_key(place: Place, unit: UnitOfWork) -> None:
    made = make_key(place.org.id)
    kept = {"prefix": made.prefix, "hash": made.hash, "scopes": ["leads:read"], "made_by": place.org.user_id}
    unit.session.add(ApiKey(org_id=place.org.id, name="till", **kept))


async def _alert(place: Place, unit: UnitOfWork) -> None:
    unit.session.add(BalanceAlert(org_id=place.org.id, level=80, base=100, available=20, at=utc_now()))


async def _audit_entry(place: Place, unit: UnitOfWork) -> None:
    what = {"action": "GET /x", "status": 403, "target": {}, "asked": {}, "address": "", "agent": "", "request_id": ""}
    entry = AuditEntry(org_id=place.org.id, id=new_id(), at=utc_now(), user_id=place.org.user_id, **what)
    unit.session.add(entry)


async def _appointment(place: Place, unit: UnitOfWork) -> None:
    unit.session.add(Appointment(org_id=place.org.id, lead_id=place.org.lead_id, starts_at=utc_now(), minutes=30))


async def _consent(place: Place, unit: UnitOfWork) -> None:
    said = {"channel": "phone", "address": "+12025550199", "said": "granted", "said_at": utc_now()}
    unit.session.add(Consent(org_id=place.org.id, source="form", evidence="a form", **said))


async def _custom_field(place: Place, unit: UnitOfWork) -> None:
    unit.session.add(CustomField(org_id=place.org.id, key="city", label="City", type="text", position=0))


async def _phone_number(place: Place, unit: UnitOfWork) -> None:
    # No two organisations have the same.
    number = f"+1202{place.org.id.int % 10**7:07d}"
    unit.session.add(PhoneNumber(org_id=place.org.id, number=number, user_id=place.org.user_id))


async def _erasure(place: Place, unit: UnitOfWork) -> None:
    unit.session.add(Erasure(org_id=place.org.id, call_id=place.call_id, scope="recording", reason="request"))


async def _duplicate(place: Place, unit: UnitOfWork) -> None:
    other = Lead(org_id=place.org.id, id=new_id(), name="Dana")
    unit.session.add(other)
    await unit.session.flush()
    one, two = sorted((place.org.lead_id, other.id))
    unit.session.add(Suggestion(org_id=place.org.id, lead_a=one, lead_b=two, score=80, reasons=["name"]))
    what: dict[str, dict[str, str]] = {"before": {}, "after": {}, "gone": {}, "moved": {}}
    unit.session.add(Merge(org_id=place.org.id, kept_id=place.org.lead_id, gone_id=new_id(), **what))


async def _export(place: Place, unit: UnitOfWork) -> None:
    unit.session.add(Export(org_id=place.org.id, format=Format.CSV, filters={}))


async def _import(place: Place, unit: UnitOfWork) -> None:
    made = Import(org_id=place.org.id, id=new_id(), file_name="leads.csv", state=State.FINISHED, bad=1, rows=1)
    unit.session.add(made)
    await unit.session.flush()
    told = {"row": 2, "line": 2, "faults": [{"field": "name", "fault": "is empty"}], "cells": [""]}
    unit.session.add(ImportFault(org_id=place.org.id, import_id=made.id, **told))


async def _inbox(place: Place, unit: UnitOfWork) -> None:
    conversation = Conversation(org_id=place.org.id, id=new_id(), lead_id=place.org.lead_id, channel=Channel.CHAT.value)
    unit.session.add(conversation)
    await unit.session.flush()
    await write(conversation, NewMessage(Role.USER, "when do you open?"), unit)
    await InboxStore(unit).mark_read(conversation.id, place.org.user_id, 1, 1)


async def _lead_change(place: Place, unit: UnitOfWork) -> None:
    changed = update(Lead).where(Lead.org_id == place.org.id, Lead.id == place.org.lead_id).values(score=77)
    await unit.session.execute(changed)


async def _invitation(place: Place, unit: UnitOfWork) -> None:
    asked = {"email": "bob@example.com", "role": "rep", "expires_at": utc_now()}
    unit.session.add(Invitation(org_id=place.org.id, invited_by=place.org.user_id, **asked))


async def _note(place: Place, unit: UnitOfWork) -> None:
    written = {"lead_id": place.org.lead_id, "author_id": place.org.user_id}
    unit.session.add(Note(org_id=place.org.id, text="likes mornings", **written))


async def _notes(place: Place, unit: UnitOfWork) -> None:
    unit.session.add(CallNotes(org_id=place.org.id, call_id=place.call_id))


async def _objection(place: Place, unit: UnitOfWork) -> None:
    made = {"call_id": place.call_id, "lead_id": place.org.lead_id, "epoch": 1, "turn": 1, "at": utc_now()}
    unit.session.add(Objection(org_id=place.org.id, kind="price", quote="too much", **made))


async def _provider_key(place: Place, unit: UnitOfWork) -> None:
    key = {"vendor": "openai", "sealed": "x", "hint": "1234", "checked_at": utc_now()}
    unit.session.add(ProviderKey(org_id=place.org.id, **key))


async def _old_posting(place: Place, unit: UnitOfWork) -> None:
    made = Transaction(
        org_id=place.org.id, id=new_id(), kind="test", reference="old", at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    unit.session.add(made)
    await unit.session.flush()
    assert await put_away(put_away_before(utc_now()), unit) == 1


async def _refund(place: Place, unit: UnitOfWork) -> None:
    unit.session.add(Refund(org_id=place.org.id, call_id=place.call_id, amount=1, reason="bad line"))


async def _subscription(place: Place, unit: UnitOfWork) -> None:
    await ConditionStore(unit).subscribe("pro")
    ConditionStore(unit).add_price(Resource.GENERATION, Millicredits(7), utc_now())


async def _queue(place: Place, unit: UnitOfWork) -> None:
    way = {"strategy": "ring_all", "ring_s": 20, "wait_s": 60, "then": "agent"}
    texts = {"greeting": "", "patience": "", "goodbye": ""}
    queue = Queue(org_id=place.org.id, id=new_id(), name="Sales", key="sales", **way, **texts)
    unit.session.add(queue)
    await unit.session.flush()
    unit.session.add(QueueMember(org_id=place.org.id, queue_id=queue.id, user_id=place.org.user_id))


async def _leg(place: Place, unit: UnitOfWork) -> None:
    asked = {"purpose": "consult", "number": "+12025550150", "user_id": place.org.user_id, "decision_id": new_id()}
    paid = {"funded_s": 60, "price_per_minute": 1_000, "reserved": 0}
    unit.session.add(CallLeg(org_id=place.org.id, id=new_id(), call_id=place.call_id, **asked, **paid))


async def _tag(place: Place, unit: UnitOfWork) -> None:
    tag = Tag(org_id=place.org.id, id=new_id(), name="VIP", key="vip", color="#808080")
    unit.session.add(tag)
    await unit.session.flush()
    unit.session.add(LeadTag(org_id=place.org.id, lead_id=place.org.lead_id, tag_id=tag.id))


async def _tool_run(place: Place, unit: UnitOfWork) -> None:
    run = {"call_id": place.call_id, "tool_call_id": "call_1", "name": "book_slot", "fingerprint": "x"}
    unit.session.add(ToolRun(org_id=place.org.id, answer={}, **run))


async def _vote(place: Place, unit: UnitOfWork) -> None:
    voted = {"kind": "turn", "generation_id": new_id(), "call_id": place.call_id, "user_id": place.org.user_id}
    unit.session.add(Vote(org_id=place.org.id, vote=1, prompt_hash="x", answer_hash="y", **voted))


async def _webhook(place: Place, unit: UnitOfWork) -> None:
    webhook = Webhook(org_id=place.org.id, id=new_id(), url="https://hooks.example.com/", kinds=["x"], sealed="y")
    unit.session.add(webhook)
    await unit.session.flush()
    posted = {"webhook_id": webhook.id, "event_id": new_id(), "kind": "x", "body": "{}"}
    unit.session.add(Delivery(org_id=place.org.id, **posted))
    unit.session.add(OutboxEvent(org_id=place.org.id, kind="x", body={}))
    await MAIL.send(unit, Letter("ada@example.com", "Hello", "there"), key="one")


FILLERS: tuple[Filler, ...] = (
    _api_key,
    _alert,
    _appointment,
    _audit_entry,
    _consent,
    _custom_field,
    _erasure,
    _duplicate,
    _export,
    _import,
    _inbox,
    _invitation,
    _phone_number,
    _lead_change,
    _leg,
    _note,
    _notes,
    _objection,
    _provider_key,
    _old_posting,
    _refund,
    _subscription,
    _queue,
    _tag,
    _tool_run,
    _vote,
    _webhook,
)
