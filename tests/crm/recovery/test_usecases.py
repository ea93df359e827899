"""Events that could not be applied: tried again in their turn or after it, given up, and nothing happens twice."""

from uuid import UUID, uuid4

import httpx
import pytest
from redis.asyncio import Redis
from sqlalchemy import select, update

from crm.billing.model import AccountKind
from crm.call_events import EventConsumer
from crm.calls import effects, intake, rounds
from crm.calls.batch import NotTogether
from crm.calls.intake import Done
from crm.calls.model import Call, CallEvent, DeadLetter, Turn, Why
from crm.calls.step import Step
from crm.database import Sessions
from crm.identity.model import Member
from crm.recovery.store import DeadLetterStore
from crm.recovery.usecases import DeadEventNotFound, StillFails, discard, retry
from crm.unit_of_work import UnitOfWork
from events import call as happenings
from events import wire
from events.call import (
    Answered,
    AnsweredBy,
    Body,
    Closed,
    Event,
    Finished,
    Metered,
    Outcome,
    Speaker,
    State,
    StateChanged,
    TurnFinished,
    encode,
)
from tests.crm.call_story import EAGER, balances, call_of, lead_of, rows
from tests.crm.conftest import Org, make_org
from tests.crm.fake_node import CallScript, publish, unknown_call
from tests.crm.test_api import data, problem


async def _letters(sessions: Sessions, call_id: UUID) -> list[DeadLetter]:
    async with UnitOfWork(sessions) as unit:
        mine = DeadLetter.call_id == call_id
        return list((await unit.session.scalars(select(DeadLetter).where(mine).order_by(DeadLetter.id))).all())


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[type]:
    """Kinds of bodies whose effects fail, as long as they stand here."""
    kinds: list[type] = []
    real = effects.apply

    async def apply(event: Event, call: Call, step: Step) -> None:
        await real(event, call, step)
        if type(event.body) in kinds:
            raise ZeroDivisionError

    async def together(*_: object) -> None:
        raise NotTogether

    monkeypatch.setattr(intake, "apply", apply)
    monkeypatch.setattr(rounds, "take_together", together)
    return kinds


async def test_what_failed_is_done_after_all_and_once(
    failing: list[type],
    consumer: EventConsumer,
    script: CallScript,
    sessions: Sessions,
    redis: Redis,
    org: Org,
) -> None:
    """Its end, a turn and a charge: the call went on without them."""
    failing += [Finished, TurnFinished, Metered]
    await publish(redis, *script.events(EAGER))
    await consumer.turn()
    before = await call_of(sessions, script)
    assert (before.outcome, before.seq, before.event_count, before.closed) == (None, len(EAGER), len(EAGER) - 5, True)
    found = await _letters(sessions, script.call_id)
    assert [(letter.why, letter.cause) for letter in found] == [("failed", "ZeroDivisionError")] * 5
    failing.clear()
    for letter in reversed(found):
        assert await retry(letter.id, sessions, org.id) is Done.APPLIED
        with pytest.raises(DeadEventNotFound):
            await retry(letter.id, sessions, org.id)
    call = await call_of(sessions, script)
    assert (call.outcome, call.state, call.seq, call.event_count) == ("goal_reached", "ended", len(EAGER), len(EAGER))
    assert (call.closed, call.epoch, call.charged) == (True, 1, 2500)
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 2500
    assert len(await rows(sessions, org, Turn)) == 2
    assert len(await rows(sessions, org, CallEvent)) == len(EAGER)
    assert (await lead_of(sessions, org)).status == "meeting_booked"
    assert await _letters(sessions, script.call_id) == []


@pytest.mark.parametrize(
    ("late", "then", "state", "reason"),
    [
        # What came later stands.
        (StateChanged(State.LISTENING, State.RINGING), StateChanged(State.SPEAKING, State.LISTENING), "speaking", ""),
        (
            StateChanged(State.LISTENING, State.RINGING),
            Finished(State.ENDED, Outcome.HUNG_UP, AnsweredBy.HUMAN, 5, 5, "bye"),
            "ended",
            "bye",
        ),
        # Nothing that came later says anything of it.
        (StateChanged(State.LISTENING, State.RINGING), Answered(), "listening", ""),
    ],
)
async def test_what_is_late_overrules_nothing(
    failing: list[type],
    consumer: EventConsumer,
    script: CallScript,
    sessions: Sessions,
    redis: Redis,
    late: Body,
    then: Body,
    state: str,
    reason: str,
) -> None:
    failing.append(type(late))
    await publish(redis, script.event(late))
    await consumer.turn()
    failing.clear()
    await publish(redis, script.event(then))
    await consumer.turn()
    (letter,) = await _letters(sessions, script.call_id)
    assert await retry(letter.id, sessions, None) is Done.APPLIED
    call = await call_of(sessions, script)
    assert (call.state, call.reason, call.seq, call.event_count) == (state, reason, 2, 2)


async def test_the_close_that_failed_closes(
    failing: list[type], consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis
) -> None:
    failing.append(Closed)
    await publish(redis, script.event(Answered()), script.event(Closed()))
    await consumer.turn()
    failing.clear()
    assert not (await call_of(sessions, script)).closed
    (letter,) = await _letters(sessions, script.call_id)
    await retry(letter.id, sessions, None)
    assert (await call_of(sessions, script)).closed


async def test_what_still_fails_stays_and_is_counted(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, api: httpx.AsyncClient, org: Org
) -> None:
    """Postgres stores no NUL, today as yesterday."""
    bad = TurnFinished(3, Speaker.CALLER, "nul \x00", "nul \x00", 1, 2)
    await publish(redis, script.event(Answered()), script.event(bad))
    await consumer.turn()
    (letter,) = data(await api.get("/api/events/dead"))
    assert (letter["why"], letter["times"], letter["call_id"]) == ("failed", 1, str(script.call_id))
    assert "nul" not in str(letter)
    refused = problem(await api.post(f"/api/events/dead/{letter['id']}/retry"), 409, "dead_event_fails")
    assert refused["cause"] == letter["cause"]
    (again,) = data(await api.get(f"/api/events/dead?call_id={script.call_id}"))
    assert again["times"] == 2
    assert (await call_of(sessions, script)).seq == 2
    assert data(await api.get(f"/api/events/dead?before={letter['id']}")) == []


async def test_what_is_readable_by_now_is_taken_in_its_turn(
    consumer: EventConsumer, script: CallScript, sessions: Sessions, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older release met an event of a newer one: the call waits for it, however often it is sent."""
    events = script.events(EAGER)
    new = encode(events[2])
    real = happenings.decode

    def older(raw: bytes) -> Event:
        if raw == new:
            raise happenings.Unreadable("of a kind to come")
        return real(raw)

    monkeypatch.setattr("crm.calls.rounds.happenings.decode", older)
    await publish(redis, *events)
    await consumer.turn()
    await publish(redis, *events)
    await consumer.turn()
    monkeypatch.undo()
    assert (await call_of(sessions, script)).seq == 2
    async with UnitOfWork(sessions) as unit:
        stream = wire.event_stream(script.call_id)
        mine = (DeadLetter.stream == stream, DeadLetter.cause == "unreadable: of a kind to come")
        newest = select(DeadLetter).where(*mine).order_by(DeadLetter.id.desc()).limit(1)
        letter = (await unit.session.scalars(newest)).one()
    assert (letter.why, letter.times, letter.org_id) == ("unreadable", 2, None)
    assert await retry(letter.id, sessions, None) is Done.APPLIED
    assert (await call_of(sessions, script)).event_count == len(EAGER), "what waited behind it too"


async def test_garbage_stays_garbage_until_it_is_given_up(sessions: Sessions) -> None:
    entry = intake.Entry("events:00", "1-1", b"\xc1" + uuid4().bytes)
    async with UnitOfWork(sessions) as unit:
        await intake.bury(entry, unit, Why.UNREADABLE, "unreadable: garbage")
        letter_id = await unit.session.scalar(select(DeadLetter.id).order_by(DeadLetter.id.desc()).limit(1))
        await unit.commit()
    assert letter_id is not None
    with pytest.raises(StillFails, match="dead_event_fails"):
        await retry(letter_id, sessions, None)
    await discard(letter_id, UnitOfWork(sessions), None)
    with pytest.raises(DeadEventNotFound):
        await discard(letter_id, UnitOfWork(sessions), None)


async def test_an_unknown_call_stays_unknown(
    consumer: EventConsumer, sessions: Sessions, redis: Redis, org: Org
) -> None:
    stranger = unknown_call(org.id)
    await publish(redis, stranger.event(Answered()))
    await consumer.turn()
    (letter,) = await _letters(sessions, stranger.call_id)
    with pytest.raises(StillFails):
        await retry(letter.id, sessions, org.id)
    (letter,) = await _letters(sessions, stranger.call_id)
    assert (letter.why, letter.times) == ("unknown_call", 2)


async def test_nobody_sees_or_touches_anothers(
    consumer: EventConsumer, sessions: Sessions, redis: Redis, org: Org, api: httpx.AsyncClient
) -> None:
    other = await make_org(sessions)
    stranger = unknown_call(other.id)
    await publish(redis, stranger.event(Answered()))
    await consumer.turn()
    (letter,) = await _letters(sessions, stranger.call_id)
    assert data(await api.get("/api/events/dead")) == []
    assert data(await api.get(f"/api/events/dead?call_id={stranger.call_id}")) == []
    problem(await api.post(f"/api/events/dead/{letter.id}/retry"), 404, "dead_event_not_found")
    problem(await api.delete(f"/api/events/dead/{letter.id}"), 404, "dead_event_not_found")
    for org_id, seen in ((org.id, False), (None, False), (other.id, True)):
        async with UnitOfWork(sessions, org_id) as unit:
            assert (await DeadLetterStore(unit).raw(letter.id) is not None) is seen


async def test_a_rep_may_not(api: httpx.AsyncClient, sessions: Sessions, org: Org) -> None:
    async with UnitOfWork(sessions, org.id) as unit:
        await unit.session.execute(update(Member).where(Member.user_id == org.user_id).values(role="rep"))
        await unit.commit()
    problem(await api.get("/api/events/dead"), 403, "forbidden")
