"""The consumer on real Redis and Postgres: effective once, in order, whatever comes, whoever dies."""

import asyncio
import contextlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from redis.asyncio import Redis
from sqlalchemy import delete, func, select, update

from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.bus import open_redis
from crm.call_events import EventConsumer
from crm.calls.dial import DialRequest
from crm.calls.model import Call, CallEvent, DeadLetter, EventCursor, ParkedEvent, PendingDial, Turn
from crm.calls.release import release_call
from crm.calls.store import CallStore
from crm.calls.summary import summarise
from crm.database import Sessions, open_engine, open_sessions
from crm.leads.model import Lead, Task
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from events import wire
from events.call import (
    Answered,
    AnsweredBy,
    AnswererKnown,
    BargedIn,
    Body,
    CarrierAccepted,
    Closed,
    FactKind,
    FactNoted,
    Finished,
    Metered,
    Outcome,
    RecordingFailed,
    RecordingStored,
    Speaker,
    State,
    StateChanged,
    TurnFinished,
    TurnTimed,
    encode,
)
from salesos.embedded.postgres import PostgresAddresses
from salesos.embedded.redis import EmbeddedRedis
from tests.crm.conftest import CREDITS, NUMBER, Org, make_org
from tests.crm.fake_node import CallScript, FakeNode, publish, unknown_call

MILLI = CREDITS * 1_000

EAGER: tuple[Body, ...] = (
    StateChanged(State.DIALING, State.IDLE),
    CarrierAccepted("box", "CA1"),
    StateChanged(State.RINGING, State.DIALING),
    Answered(),
    StateChanged(State.SPEAKING, State.RINGING),
    AnswererKnown(AnsweredBy.HUMAN, "ear"),
    TurnFinished(1, Speaker.CALLER, "hello", "hello", 100, 600),
    TurnTimed(2, vad_ms=200, end_of_turn_ms=350, transcript_ms=360, played_ms=520),
    TurnFinished(2, Speaker.AGENT, "Hello, this is Alex.", "Hello, this", 1120, 1900, 520, interrupted=True),
    BargedIn(2, 1800, 120),
    Metered(6),
    FactNoted(FactKind.MEETING_BOOKED, when="tomorrow at ten"),
    Metered(12),
    Finished(State.ENDED, Outcome.GOAL_REACHED, AnsweredBy.HUMAN, 14.2, 15, "said goodbye"),
    RecordingStored("file:///tmp/store/r.wav", "r.wav", 2, 14.2, 454_444, "00"),
    Closed(),
)


class Died(Exception):
    """Stands for the end of the process at this very place."""


@pytest.fixture
async def consumer(sessions: Sessions, redis: Redis) -> EventConsumer:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(delete(EventCursor))
        await unit.commit()
    return EventConsumer(sessions, redis, block_ms=10)


@pytest.fixture
async def script(resources: Resources, node: FakeNode, org: Org) -> CallScript:
    """The events of a call that has been placed."""
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    return CallScript(org.id, answer.call_id)


async def call_of(sessions: Sessions, script: CallScript) -> Call:
    async with UnitOfWork(sessions, script.org_id) as unit:
        return await unit.session.get_one(Call, (script.org_id, script.call_id))


async def lead_of(sessions: Sessions, org: Org) -> Lead:
    async with UnitOfWork(sessions, org.id) as unit:
        return await unit.session.get_one(Lead, (org.id, org.lead_id))


async def rows(sessions: Sessions, org: Org, model: Any) -> list[Any]:
    async with UnitOfWork(sessions, org.id) as unit:
        return list((await unit.session.scalars(select(model).where(model.org_id == org.id))).all())


async def balances(sessions: Sessions, org: Org) -> dict[AccountKind, int]:
    async with UnitOfWork(sessions, org.id) as unit:
        assert await Ledger(unit).total() == 0
        return await Ledger(unit).balances()


async def mark_of(redis: Redis, script: CallScript) -> str | None:
    raw = await redis.get(wire.committed_key(script.org_id, script.call_id))
    return raw.decode() if isinstance(raw, bytes) else None


async def letters(sessions: Sessions, call_id: Any = None) -> list[str]:
    async with UnitOfWork(sessions) as unit:
        statement = select(DeadLetter.cause).where(DeadLetter.call_id == call_id)
        return list((await unit.session.scalars(statement)).all())


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
    assert (lead.status, lead.score, lead.next_step) == ("meeting_booked", 40, "Meeting: tomorrow at ten")
    found = await balances(sessions, org)
    assert (found[AccountKind.WALLET], found[AccountKind.HELD], found[AccountKind.REVENUE]) == (MILLI - 2500, 0, 2500)
    assert await mark_of(redis, script) == f"1:{len(EAGER)}"
    assert await rows(sessions, org, PendingDial) == []

    told = await summarise(call.id, UnitOfWork(sessions, org.id))
    assert list(told) == [
        *("call_id", "state", "outcome", "answered_by", "duration_s", "turns", "barge_ins", "waterfall"),
        *("recording", "lead", "ledger", "events", "closed", "reason", "carrier_call_id", "created_at"),
    ]
    assert told["turns"] == [
        {
            **{"speaker": "caller", "text": "hello", "heard_text": "hello", "started_ms": 100, "ended_ms": 600},
            **{"response_ms": None, "interrupted": False},
        },
        {
            **{"speaker": "agent", "text": "Hello, this is Alex.", "heard_text": "Hello, this"},
            **{"started_ms": 1120, "ended_ms": 1900, "response_ms": 520, "interrupted": True},
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
    assert told["lead"] == {"id": org.lead_id, "status": "meeting_booked", "score": 40, "do_not_call": False}
    assert told["ledger"] == {
        **{"reserved": 300_000, "settled": 2500, "balance_before": MILLI, "balance_after": MILLI - 2500},
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


async def test_repeats_change_nothing(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    events = script.events(EAGER)
    await publish(redis, *events, *events[3:9], *events)
    await consumer.turn()
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert len(await rows(sessions, org, CallEvent)) == len(EAGER)
    assert len(await rows(sessions, org, Turn)) == 2
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500
    assert (await lead_of(sessions, org)).score == 40


async def test_a_gap_holds_back_what_follows(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    events = script.events(EAGER)
    await publish(redis, events[0], *events[2:])
    await consumer.turn()
    assert (await call_of(sessions, script)).seq == 1
    assert len(await rows(sessions, org, ParkedEvent)) == len(EAGER) - 2
    assert await mark_of(redis, script) == "1:1", "the journal must keep what waits for its predecessor"

    await publish(redis, events[1])
    await consumer.turn()
    call = await call_of(sessions, script)
    assert (call.seq, call.state, call.event_count) == (len(EAGER), "ended", len(EAGER))
    assert await rows(sessions, org, ParkedEvent) == []
    assert await mark_of(redis, script) == f"1:{len(EAGER)}"


async def test_backwards_is_as_good_as_forwards(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *reversed(script.events(EAGER)))
    await consumer.turn()
    told = await summarise(script.call_id, UnitOfWork(sessions, org.id))
    assert (told["state"], told["events"], told["ledger"]["settled"]) == ("ended", len(EAGER), 2500)


async def test_a_takeover_refuses_the_old_epoch(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    first = script.events(EAGER[:5])
    late = script.event(Metered(60))
    waiting = script.event(Metered(90), seq=9)
    successor = CallScript(script.org_id, script.call_id, epoch=2)
    await publish(redis, *first, waiting)
    await consumer.turn()
    ending = successor.events([Finished(State.ENDED, Outcome.HUNG_UP, None, 5, 5, "recovered"), Closed()])
    await publish(redis, *ending, late)
    await consumer.turn()

    call = await call_of(sessions, script)
    assert (call.epoch, call.seq, call.outcome, call.closed) == (2, 2, "hung_up", True)
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 834, "five seconds, not what came late"
    assert await rows(sessions, org, ParkedEvent) == []
    assert await mark_of(redis, script) == "2:2", "the old epoch's journal may go"

    much_later = CallScript(script.org_id, script.call_id, epoch=1000)
    await publish(redis, *much_later.events([EAGER[-2], Closed()]))
    await consumer.turn()
    assert (await call_of(sessions, script)).recording is not None


async def test_poison_does_not_block(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    stream = wire.event_stream(script.call_id)
    await redis.xadd(stream, {wire.EVENT_FIELD: b"\xc1garbage"})
    await redis.xadd(stream, {b"other": b"field"})
    stranger = unknown_call(org.id)
    foreign = CallScript((await make_org(sessions)).id, script.call_id)  # another organisation's name on our call
    await publish(redis, stranger.event(Answered()), foreign.event(Answered()), *script.events(EAGER))
    await consumer.turn()

    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert await letters(sessions, stranger.call_id) == ["unknown call"]
    assert await letters(sessions, script.call_id) == ["unknown call"]
    assert len(await letters(sessions)) >= 2
    assert await mark_of(redis, stranger) == "1:1", "or its journal would come for ever"


async def test_an_event_whose_effects_fail_is_set_aside(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    """Postgres stores no NUL; the events around it are applied all the same, and its own effects are none."""
    bad = TurnFinished(3, Speaker.CALLER, "nul \x00", "nul \x00", 1, 2)
    await publish(redis, *script.events([*EAGER[:7], bad, *EAGER[7:]]))
    await consumer.turn()
    call = await call_of(sessions, script)
    assert (call.seq, call.event_count, call.state) == (len(EAGER) + 1, len(EAGER), "ended")
    assert len(await letters(sessions, script.call_id)) == 1
    assert len(await rows(sessions, org, Turn)) == 2


async def test_a_crash_before_the_commit_applies_nothing(
    consumer: EventConsumer,
    script: CallScript,
    sessions: Sessions,
    redis: Redis,
    org: Org,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish(redis, *script.events(EAGER))
    commits = 0
    real = UnitOfWork.commit

    async def dying(unit: UnitOfWork) -> None:
        nonlocal commits
        commits += 1
        if commits == 6:
            raise Died
        await real(unit)

    monkeypatch.setattr(UnitOfWork, "commit", dying)
    with pytest.raises(ExceptionGroup):
        await consumer.turn()
    monkeypatch.undo()
    assert (await call_of(sessions, script)).event_count == 4, "the lease, and four events"

    await _expire_leases(sessions)
    await EventConsumer(sessions, redis, block_ms=10).turn()
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500


async def _expire_leases(sessions: Sessions) -> None:
    async with UnitOfWork(sessions) as unit:
        await unit.session.execute(update(EventCursor).values(leased_until=datetime(2020, 1, 1, tzinfo=UTC)))
        await unit.commit()


async def test_a_crash_after_the_commit_is_made_good_by_the_repeat(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = script.events(EAGER)
    await publish(redis, *events)

    async def dying(*_: Any) -> None:
        raise Died

    monkeypatch.setattr(consumer, "_tell", dying)
    with pytest.raises(ExceptionGroup):
        await consumer.turn()
    assert await mark_of(redis, script) is None
    await _expire_leases(sessions)
    await publish(redis, *events)  # the node has waited long enough, and sends again
    await EventConsumer(sessions, redis, block_ms=10).turn()
    assert await mark_of(redis, script) == f"1:{len(EAGER)}"
    assert (await call_of(sessions, script)).event_count == len(EAGER)


async def test_two_consumers_never_apply_the_same(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    """One sleeps over its lease and wakes up after another has taken over: its step is refused."""
    other = EventConsumer(sessions, redis, block_ms=10)
    await consumer.turn()
    await other.turn()
    assert other._cursors == {}, "all streams are held"
    await _expire_leases(sessions)
    other._leased_at = float("-inf")
    await other._keep_leases()
    await publish(redis, *script.events(EAGER))
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(consumer.turn())
        tasks.create_task(other.turn())
    assert (await call_of(sessions, script)).event_count == len(EAGER)
    assert wire.event_stream(script.call_id) not in consumer._cursors
    assert wire.event_stream(script.call_id) in other._cursors


async def test_what_is_committed_is_trimmed(
    script: CallScript, sessions: Sessions, redis: Redis, consumer: EventConsumer
) -> None:
    consumer._trim_every_s = 0
    await publish(redis, *script.events(EAGER))
    stream = wire.event_stream(script.call_id)
    await consumer.turn()
    assert await redis.xlen(stream) == 1, "the entry at the cursor itself stays"
    await publish(redis, script.event(Closed()))
    assert await redis.xlen(stream) == 2


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


async def test_redis_away_and_back_with_less(
    sessions: Sessions, org: Org, script: CallScript, consumer: EventConsumer, tmp_path: Path
) -> None:
    """A Redis of its own that loses its data: reading goes on, and what the node sends again counts once."""
    server = EmbeddedRedis(tmp_path / "redis")
    client = open_redis(server.start())
    running = asyncio.get_running_loop().create_task(EventConsumer(sessions, client, block_ms=20).run())
    events = script.events(EAGER)
    try:
        await publish(client, *events[:5])
        await _until(sessions, script, 5)
        server.stop()
        for path in (tmp_path / "redis").rglob("appendonly*"):
            if path.is_file():
                path.unlink()
        server.start()
        # An older entry id than the cursor, as after a restore: it must be read all the same.
        for number, event in enumerate(events, 1):
            raw = encode(event)
            await client.xadd(wire.event_stream(script.call_id), {wire.EVENT_FIELD: raw}, id=f"{number}-0")
        await _until(sessions, script, len(EAGER))
        assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        await client.aclose()
        server.stop()
    async with UnitOfWork(sessions) as unit:
        held = await unit.session.scalar(select(func.count()).where(EventCursor.owner.is_not(None)))
    assert held == 0, "streams are given up at the end"


async def test_postgres_away_and_back(
    postgres: PostgresAddresses, sessions: Sessions, script: CallScript, consumer: EventConsumer, redis: Redis
) -> None:
    parts = urlsplit(postgres.app_url)
    assert parts.port
    async with Cable(parts.port) as cable:
        engine = open_engine(postgres.app_url.replace(f":{parts.port}/", f":{cable.port}/"))
        running = asyncio.get_running_loop().create_task(EventConsumer(open_sessions(engine), redis, block_ms=20).run())
        try:
            events = script.events(EAGER)
            await publish(redis, *events[:5])
            await _until(sessions, script, 5)
            await cable.pull()
            await publish(redis, *events[5:])
            await asyncio.sleep(0.3)
            assert not running.done()
            assert (await call_of(sessions, script)).event_count == 5
            await cable.plug()
            await _until(sessions, script, len(EAGER))
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
            await engine.dispose()


async def _until(sessions: Sessions, script: CallScript, events: int, timeout_s: float = 10) -> None:
    deadline = asyncio.get_running_loop().time() + timeout_s
    while (await call_of(sessions, script)).event_count < events:
        assert asyncio.get_running_loop().time() < deadline, "the events were not applied in time"
        await asyncio.sleep(0.02)


class Cable:
    """A line to a local port that can be pulled and plugged in again."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    async def __aenter__(self) -> "Cable":
        await self.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.pull()

    async def plug(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def pull(self) -> None:
        self._server.close()
        for writer in list(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._pump(reader, far_writer))
                tasks.create_task(self._pump(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()

    @staticmethod
    async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        writer.close()


async def test_events_can_be_followed(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, org: Org
) -> None:
    await publish(redis, *script.events(EAGER))
    await consumer.turn()
    async with UnitOfWork(sessions, org.id) as unit:
        found = await CallStore(unit).events(script.call_id, after=(1, 14))
    assert [(event.seq, event.kind) for event in found] == [(15, "recording.stored"), (16, "call.closed")]
