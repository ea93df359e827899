"""One whole call as events, and reading back what became of it."""

from typing import Any

from redis.asyncio import Redis
from sqlalchemy import select

from crm.billing.ledger import Ledger
from crm.billing.model import AccountKind
from crm.calls.model import Call, DeadLetter
from crm.database import Sessions
from crm.leads.model import Lead
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
    RecordingStored,
    Speaker,
    State,
    StateChanged,
    TurnFinished,
    TurnTimed,
)
from tests.crm.conftest import CREDITS, Org
from tests.crm.fake_node import CallScript

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
