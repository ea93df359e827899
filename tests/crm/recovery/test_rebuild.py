"""What follows from a call's events is made anew from what is stored of them."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import text

from config.settings import Settings
from crm.audit.model import AuditEntry
from crm.billing.model import Entry
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.erasure import CONTENT, erase
from crm.calls.model import Call, Turn
from crm.calls.store import CallStore
from crm.calls.summary import CallNotFound, summarise
from crm.consents.model import Consent
from crm.database import Sessions, utc_now
from crm.identity.tokens import Identity
from crm.inbox.model import Message
from crm.leads.model import Lead, Task
from crm.notes.model import Note
from crm.permissions import Role
from crm.recovery.rebuild import Part
from crm.recovery.rebuild_span import OPERATOR_ID, RebuiltSpan, Wanted, rebuild_span
from crm.recovery.rebuild_store import RebuildStore
from crm.resources import Resources
from crm.understanding.model import Objection
from crm.unit_of_work import UnitOfWork
from events.call import Body, Event, FactKind, FactNoted, Finished, MessageRequested, Outcome, State
from events.ids import first_id
from events.understanding import CallerAngry, CallerUnderstood, Mood, ObjectionKind
from tests.crm.call_story import EAGER, balances, call_of, lead_of, rows
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish
from tests.crm.test_api import data, problem

RICH: tuple[Body, ...] = (
    *EAGER[:-4],
    CallerUnderstood(1, Mood.NEGATIVE, -0.4, 0.8, (ObjectionKind.PRICE,), ("too dear",)),
    CallerAngry(1, -0.7),
    FactNoted(FactKind.OBJECTION, "price"),
    FactNoted(FactKind.CALLBACK_REQUESTED, "call me", "Friday at three"),
    MessageRequested("t1", "sms", "The address."),
    *EAGER[-4:],
)
OPT_OUT: tuple[Body, ...] = (
    *EAGER[:6],
    FactNoted(FactKind.OPTED_OUT),
    Finished(State.ENDED, Outcome.OPTED_OUT, None, 5.0, 6),
)


async def called(resources: Resources, org: Org) -> CallScript:
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    return CallScript(org.id, answer.call_id)


async def only_stored(sessions: Sessions, events: Sequence[Event]) -> None:
    """Leave events as a consumer would that keeps them and does nothing else."""
    async with UnitOfWork(sessions, events[0].org_id) as unit:
        call = await CallStore(unit).lock(events[0].call_id)
        assert call is not None
        await CallStore(unit).add_events(events)
        call.epoch, call.seq = events[-1].epoch, events[-1].seq
        await unit.commit()


async def told_of(sessions: Sessions, script: CallScript, org: Org) -> dict[str, Any]:
    """Return all that is to be the same, without what tells two calls apart."""
    call = await summarise(script.call_id, UnitOfWork(sessions, org.id))
    lead = await lead_of(sessions, org)
    turns = [{**turn, "id": None} for turn in call["turns"]]
    moved = sorted((entry.account_id is not None, entry.amount) for entry in await rows(sessions, org, Entry))
    names = ("state", "outcome", "reason", "answered_by", "duration_s", "closed", "events", "carrier_call_id")
    return {
        **{name: call[name] for name in (*names, "waterfall", "recording", "barge_ins", "erased")},  # type: ignore[literal-required]
        "turns": turns,
        "angry": call["angry_at"] is not None,
        "objections": [(one.kind, one.quote, one.turn) for one in await rows(sessions, org, Objection)],
        "lead": (lead.status, lead.next_step, lead.do_not_call, [one["name"] for one in lead.objections]),
        "noted": [
            (note.text, note.call_id is None)
            for note in sorted(await rows(sessions, org, Note), key=lambda one: one.text)
        ],
        "tasks": sorted((task.kind, task.title, task.due_text) for task in await rows(sessions, org, Task)),
        "refusals": [word.said for word in await rows(sessions, org, Consent)],
        "money": (await balances(sessions, org), sum(amount for _, amount in moved)),
        "notes": call["notes"] is not None,
    }


async def rebuild(sessions: Sessions, org: Org, **wanted: Any) -> RebuiltSpan:
    return await rebuild_span(Wanted(**wanted), sessions, org.id)


@pytest.mark.parametrize("bodies", [RICH, OPT_OUT])
async def test_what_was_only_stored_becomes_what_applying_makes_of_it(
    bodies: tuple[Body, ...],
    resources: Resources,
    consumer: EventConsumer,
    sessions: Sessions,
    redis: Redis,
    node: FakeNode,
) -> None:
    orgs = [await make_org(sessions, number="+12025550150"), await make_org(sessions, number="+12025550151")]
    scripts = [await called(resources, org) for org in orgs]
    await publish(redis, *scripts[0].events(bodies))
    await consumer.turn()
    await only_stored(sessions, scripts[1].events(bodies))
    made = await rebuild(sessions, orgs[1], dry_run=True)
    assert (await call_of(sessions, scripts[1])).state == "queued", "a dry run keeps nothing"
    assert await rebuild(sessions, orgs[1]) == made
    assert made.calls_changed == made.changed[Part.CALL] == made.changed[Part.LEAD] == made.changed[Part.MONEY] == 1

    applied, rebuilt = [await told_of(sessions, *one) for one in zip(scripts, orgs, strict=True)]
    # What is not carried yet lies in the inbox as well, where only applying puts it.
    assert rebuilt == applied
    again = await rebuild(sessions, orgs[1])
    assert (again.calls, again.changed, again.missing, again.leads_left) == (1, {}, 0, 0)


async def test_deleted_rows_come_back_and_people_keep_what_they_wrote(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *script.events(RICH))
    await consumer.turn()
    before = await told_of(sessions, script, org)
    assert (await rebuild(sessions, org)).changed == {}, "as it was applied it stays"
    messages = len(await rows(sessions, org, Message))
    async with UnitOfWork(sessions, org.id) as unit:
        for table in ("turns", "objections", "notes"):
            await unit.session.execute(text(f"DELETE FROM {table} WHERE org_id = :org"), {"org": org.id})  # noqa: S608
        await unit.session.execute(
            text("UPDATE calls SET outcome = 'hung_up', answered_at = NULL, event_count = 3 WHERE org_id = :org"),
            {"org": org.id},
        )
        unit.session.add(Turn(org_id=org.id, call_id=script.call_id, epoch=1, turn=99, speaker="agent", text="never"))
        lead = await unit.session.get_one(Lead, (org.id, org.lead_id))
        lead.objections, lead.next_step = [], "my own"
        await unit.commit()
    made = await rebuild(sessions, org)
    assert made.changed == {Part.CALL: 1, Part.TURNS: 3, Part.OBJECTIONS: 1, Part.LEAD: 1, Part.NOTED: 1}
    assert await told_of(sessions, script, org) == before
    assert len(await rows(sessions, org, Message)) == messages, "nothing goes out again"
    [entry] = await rows(sessions, org, AuditEntry)
    assert (entry.user_id, entry.target) == (OPERATOR_ID, {"call_id": str(script.call_id)})
    assert entry.asked["changed"] == {"call": 1, "turns": 3, "objections": 1, "lead": 1, "noted": 1}


async def test_calls_of_a_lead_may_be_rebuilt_in_any_order(
    resources: Resources, consumer: EventConsumer, sessions: Sessions, redis: Redis, node: FakeNode
) -> None:
    """Applied in turn, rebuilt forwards and rebuilt backwards: the same lead, tasks and money."""
    stories = (RICH, (Finished(State.FAILED, Outcome.NO_ANSWER),), (*EAGER[:6], *EAGER[-5:]))
    ends = []
    for order in (None, (0, 1, 2), (2, 1, 0)):
        org = await make_org(sessions, credit=5_000)
        scripts = [await called(resources, org) for _ in stories]
        for script, story in zip(scripts, stories, strict=True):
            if order is None:
                await publish(redis, *script.events(story))
                await consumer.turn()
            else:
                await only_stored(sessions, script.events(story))
        for number in order or ():
            await rebuild(sessions, org, call_id=scripts[number].call_id)
        assert (await rebuild(sessions, org)).changed == {}
        ends.append([await told_of(sessions, script, org) for script in scripts])
    assert ends[0] == ends[1] == ends[2]


async def test_what_somebody_changed_since_stays_unless_the_calls_decide(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *script.events(EAGER))
    await consumer.turn()
    async with UnitOfWork(sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, org.lead_id))
        lead.status = "won"
        await unit.session.flush()
        # As if it had been later: the database notes changes by its clock.
        asked = {"org": org.id, "call": script.call_id}
        await unit.session.execute(
            text("UPDATE call_events SET received_at = received_at - interval '1 hour' WHERE org_id = :org"), asked
        )
        await unit.commit()
    made = await rebuild(sessions, org)
    assert (made.changed, made.leads_left) == ({}, 1)
    assert (await lead_of(sessions, org)).status == "won"
    made = await rebuild(sessions, org, calls_decide=True)
    assert (made.changed, made.leads_left) == ({Part.LEAD: 1}, 0)
    assert (await lead_of(sessions, org)).status == "meeting_booked"


async def test_a_refusal_that_was_taken_back_stays_taken_back(
    api: httpx.AsyncClient, consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *script.events(OPT_OUT))
    await consumer.turn()
    word = {"channel": "phone", "source": "letter", "evidence": "letter of today"}
    data(await api.post(f"/api/leads/{org.lead_id}/grants", json=word), 201)
    assert not (await lead_of(sessions, org)).do_not_call
    await rebuild(sessions, org, calls_decide=True)
    assert not (await lead_of(sessions, org)).do_not_call
    assert sorted(word.said for word in await rows(sessions, org, Consent)) == ["granted", "refused"]


async def test_erased_words_stay_erased(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *script.events(RICH))
    await consumer.turn()
    person = Identity(org.user_id, org.email, Role.ADMIN, org.id, org.session_id)
    await erase(script.call_id, CONTENT, person, UnitOfWork(sessions, org.id))
    before = await told_of(sessions, script, org)
    assert before["noted"] == [], "what was noted in the call goes with its words"
    assert (await rebuild(sessions, org, calls_decide=True)).changed == {}
    assert await told_of(sessions, script, org) == before
    assert all(turn.text is None for turn in await rows(sessions, org, Turn))


async def test_spans_parts_and_calls_without_events(resources: Resources, sessions: Sessions, node: FakeNode) -> None:
    org = await make_org(sessions, credit=5_000)
    script, other = await called(resources, org), await called(resources, org)
    await only_stored(sessions, script.events(EAGER[:3]))
    between = utc_now()
    await only_stored(sessions, other.events(EAGER[:3]))
    first = await rebuild(sessions, org, limit=1)
    second = await rebuild(sessions, org, limit=1, after=first.next)
    assert (first.calls, first.next, second.calls) == (1, min(script.call_id, other.call_id), 1)
    assert (await rebuild(sessions, org, after=second.next)).calls == 0
    assert (await rebuild(sessions, org, until=between)).calls == 1
    assert (await rebuild(sessions, org, since=between)).calls == 1
    third = await called(resources, org)
    assert (await rebuild(sessions, org, call_id=third.call_id)).untouched == 1
    assert (await call_of(sessions, third)).state == "queued"
    with pytest.raises(CallNotFound):
        await rebuild(sessions, await make_org(sessions), call_id=script.call_id)


async def test_events_that_never_were_applied_are_counted(script: CallScript, sessions: Sessions, org: Org) -> None:
    events = script.events(EAGER)
    await only_stored(sessions, [*events[:4], *events[5:]])
    assert (await rebuild(sessions, org)).missing == 1


async def test_the_calls_of_a_span_are_found_by_an_index(sessions: Sessions, org: Org, script: CallScript) -> None:
    await only_stored(sessions, script.events(EAGER))
    at = (await rows(sessions, org, Call))[0].created_at
    async with UnitOfWork(sessions, org.id) as unit:
        assert await RebuildStore(unit).calls(at, None, None, 5) == [script.call_id]
        await unit.session.execute(text("SET LOCAL enable_seqscan = off"))
        asked = {"org": org.id, "low": first_id(at)}
        plan = await unit.session.execute(
            text("EXPLAIN SELECT DISTINCT call_id FROM call_events WHERE org_id = :org AND id >= :low"), asked
        )
        told = "\n".join(plan.scalars().all())
    assert "id >= " in told.partition("Index Cond")[2], told


async def test_the_operator_only(
    client: httpx.AsyncClient, api: httpx.AsyncClient, settings: Settings, script: CallScript, sessions: Sessions
) -> None:
    await only_stored(sessions, script.events(EAGER))
    path = f"/internal/organisations/{script.org_id}/events/rebuild"
    problem(await api.post(path, json={}), 401, "not_signed_in")
    key = {"Authorization": f"Bearer {settings.internal_key.get_secret_value()}"}
    told = data(await client.post(path, json={"from": "2026-01-01T00:00:00Z"}, headers=key))
    assert told == {
        **{"calls": 1, "calls_changed": 1, "missing": 0, "leads_left": 0, "untouched": 0, "next": None},
        "changed": {"call": 1, "turns": 2, "money": 1, "lead": 1, "notes": 1},
    }
    problem(await client.post(path, json={"from": "2026-01-01"}, headers=key), 400, "invalid_request")
    problem(await client.post(path, json={"call_id": str(script.org_id)}, headers=key), 404, "call_not_found")
