"""What each event of a call changes, from the stream to what the API tells."""

import pytest
from redis.asyncio import Redis

from crm.billing.model import AccountKind
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.model import PendingDial
from crm.calls.release import release_call
from crm.calls.store import CallStore
from crm.calls.summary import summarise
from crm.database import Sessions
from crm.leads.model import Lead, Task
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events.call import (
    Answered,
    AnsweredBy,
    Body,
    Closed,
    FactKind,
    FactNoted,
    Finished,
    Outcome,
    RecordingFailed,
    State,
)
from salesos.summary import TURN_KEYS
from tests.crm.call_story import EAGER, MILLI, balances, call_of, lead_of, mark_of, rows
from tests.crm.conftest import NUMBER, Org
from tests.crm.fake_node import CallScript, publish


async def test_a_whole_call(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *script.events(EAGER))
    await consumer.turn()

    call = await call_of(sessions, script)
    assert (call.state, call.outcome, call.answered_by) == ("ended", "goal_reached", "human")
    assert (call.epoch, call.seq, call.event_count, call.closed) == (1, len(EAGER), len(EAGER), True)
    assert call.answered_at is not None
    lead = await lead_of(sessions, org)
    assert (lead.status, lead.score_due, lead.next_step) == ("meeting_booked", True, "Meeting: tomorrow at ten")
    found = await balances(sessions, org)
    assert (found[AccountKind.WALLET], found[AccountKind.HELD], found[AccountKind.REVENUE]) == (MILLI - 2500, 0, 2500)
    assert await mark_of(redis, script) == f"1:{len(EAGER)}"
    assert await rows(sessions, org, PendingDial) == []

    told = await summarise(call.id, UnitOfWork(sessions, org.id))
    assert list(told) == [
        *("call_id", "state", "outcome", "answered_by", "duration_s", "turns", "barge_ins", "waterfall", "recording"),
        *("lead", "ledger", "events", "closed", "reason", "carrier_call_id"),
        *("number", "direction", "our_number", "created_at", "erased"),
        *("models", "agent", "placed_by", "prompt_version", "angry_at", "objections", "notes"),
        *("states", "transactions", "legs"),
    ]
    first = told["turns"][0]
    assert (first["turn"], first["epoch"], first["mood"], first["sentiment"]) == (1, 1, None, None)
    assert [{key: turn[key] for key in (*TURN_KEYS, "prompt_version")} for turn in told["turns"]] == [
        {
            **{"speaker": "caller", "text": "hello", "heard_text": "hello", "started_ms": 100, "ended_ms": 600},
            **{"response_ms": None, "interrupted": False, "prompt_version": ""},
        },
        {
            **{"speaker": "agent", "text": "Hello, this is Alex.", "heard_text": "Hello, this"},
            **{"started_ms": 1120, "ended_ms": 1900, "response_ms": 520, "interrupted": True, "prompt_version": ""},
        },
    ]
    assert told["barge_ins"] == [{"at_ms": 1800, "stopped_after_ms": 120}]
    assert told["waterfall"] == [
        {
            **{"turn": 2, "vad_ms": 200, "end_of_turn_ms": 350, "transcript_ms": 360},
            **{"first_token_ms": None, "first_audio_ms": None, "sent_ms": None, "played_ms": 520},
        }
    ]
    assert told["recording"] == {
        **{"uri": "file:///tmp/store/r.wav", "path": "/tmp/store/r.wav", "channels": 2, "duration_s": 14.2},
    }
    assert told["lead"] == {"id": org.lead_id, "status": "meeting_booked", "score": 0, "do_not_call": False}
    assert told["ledger"] == {
        **{"reserved": 300_000, "settled": 2500, "refunded": 0, "balance_before": MILLI, "balance_after": MILLI - 2500},
    }
    assert (told["events"], told["closed"], told["carrier_call_id"]) == (len(EAGER), True, "CA1")


@pytest.mark.parametrize(
    ("bodies", "status", "outcome"),
    [
        ([Finished(State.FAILED, Outcome.LINE_BUSY)], "retry_later", "line_busy"),
        ([Finished(State.FAILED, Outcome.NO_ANSWER)], "retry_later", "no_answer"),
        ([Answered(), Finished(State.ENDED, Outcome.MESSAGE_LEFT, AnsweredBy.MACHINE)], "retry_later", "message_left"),
        ([Answered(), Finished(State.ENDED, Outcome.NO_RESPONSE)], "retry_later", "no_response"),
        ([Answered(), Finished(State.ENDED, Outcome.NOT_INTERESTED)], "not_interested", "not_interested"),
        ([Finished(State.FAILED, Outcome.SERVICE_FAILURE)], "novo", "service_failure"),
    ],
)
async def test_what_an_outcome_does_to_the_lead(
    bodies: list[Body],
    status: str,
    outcome: str,
    consumer: EventConsumer,
    script: CallScript,
    sessions: Sessions,
    redis: Redis,
    org: Org,
) -> None:
    await publish(redis, *script.events([*bodies, Closed()]))
    await consumer.turn()
    assert (await lead_of(sessions, org)).status == status
    call = await call_of(sessions, script)
    assert (call.outcome, call.charged, call.balance_after) == (outcome, 0, MILLI)
    assert (await balances(sessions, org))[AccountKind.WALLET] == MILLI


async def test_a_call_back_makes_a_task(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    fact = FactNoted(FactKind.CALLBACK_REQUESTED, "call me later", "Friday at three")
    await publish(redis, *script.events([fact, Finished(State.ENDED, Outcome.CALLBACK_REQUESTED)]))
    await consumer.turn()
    [task] = await rows(sessions, org, Task)
    assert (task.kind, task.title, task.due_text, task.status) == (
        *("call_back", "Call Dana back", "Friday at three", "open"),
    )
    assert (await lead_of(sessions, org)).status == "callback_scheduled"


async def test_a_call_that_we_broke_off_makes_a_task_unless_they_opted_out(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    broken = FactNoted(FactKind.BROKEN_OFF, "model_unavailable")
    await publish(redis, *script.events([broken, FactNoted(FactKind.OPTED_OUT), broken]))
    await consumer.turn()
    [task] = await rows(sessions, org, Task)
    assert (task.kind, task.title) == ("call_back", "Call Dana back")


async def test_objections_are_on_the_record(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(
        redis, *script.events([FactNoted(FactKind.OBJECTION, "price"), FactNoted(FactKind.NOTE, "two shops")])
    )
    await consumer.turn()
    lead = await lead_of(sessions, org)
    assert [entry["name"] for entry in lead.objections] == ["price"]
    assert lead.notes == "Objection: price\ntwo shops"


async def test_opting_out_is_for_the_number_and_refuses_the_next_dial(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org, resources: Resources
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        unit.session.add(Lead(org_id=org.id, name="The same shop", phone=NUMBER))
        await unit.commit()
    await publish(redis, *script.events([FactNoted(FactKind.OPTED_OUT), Finished(State.ENDED, Outcome.OPTED_OUT)]))
    await consumer.turn()
    leads = await rows(sessions, org, Lead)
    assert [(lead.do_not_call, lead.status) for lead in leads] == [(True, "do_not_call")] * 2
    assert all(lead.do_not_call_at for lead in leads)
    with pytest.raises(Exception, match="do_not_call"):
        await resources.dialler.dial(DialRequest(number=NUMBER), org.id)


async def test_a_lost_recording_is_said(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis
) -> None:
    await publish(redis, *script.events([RecordingFailed("disk full", "/spool/x")]))
    await consumer.turn()
    call = await call_of(sessions, script)
    assert (call.recording, call.recording_fault) == (None, "disk full")


async def test_late_events_after_a_release_are_still_charged(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        assert await release_call(unit, script.call_id, Outcome.UNKNOWN, "no_word_from_node")
        await unit.commit()
    assert (await balances(sessions, org))[AccountKind.WALLET] == MILLI
    await publish(redis, *script.events(EAGER))
    await consumer.turn()
    call = await call_of(sessions, script)
    assert (call.state, call.outcome, call.charged) == ("ended", "goal_reached", 2500)
    assert (await balances(sessions, org))[AccountKind.WALLET] == MILLI - 2500


async def test_events_can_be_followed(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *script.events(EAGER))
    await consumer.turn()
    async with UnitOfWork(sessions, org.id) as unit:
        found = await CallStore(unit).events(script.call_id, after=(1, 14))
    assert [(event.seq, event.kind) for event in found] == [(15, "recording.stored"), (16, "call.closed")]


async def test_whom_nobody_took_is_called_back_by_whoever_has_the_lead(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        lead = await unit.session.get_one(Lead, (org.id, org.lead_id))
        lead.owner_id = org.user_id
        await unit.commit()
    await publish(
        redis, *script.events([Answered(), Finished(State.ENDED, Outcome.MISSED, reason="abandoned"), Closed()])
    )
    await consumer.turn()

    [task] = await rows(sessions, org, Task)
    assert (task.kind, task.assignee_id, task.call_id) == ("call_back", org.user_id, script.call_id)
    assert task.title == "Call Dana back: nobody took their call"
