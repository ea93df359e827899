"""Calls that were placed, in organisations of the bench's own, and what a voice process says of each."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

import msgspec

from crm.agents.model import Agent
from crm.billing.call_money import reserve_call
from crm.billing.ledger import Ledger
from crm.calls.model import Call
from crm.database import Sessions
from crm.identity.usecases import NewOrganisation, found_organisation
from crm.leads.model import Lead
from crm.unit_of_work import UnitOfWork
from events.call import (
    Answered,
    AnsweredBy,
    AnswererKnown,
    Body,
    CarrierAccepted,
    Closed,
    Event,
    FactKind,
    FactNoted,
    Finished,
    Metered,
    ModelUsed,
    Outcome,
    RecordingStored,
    Speaker,
    State,
    StateChanged,
    TurnFinished,
    TurnTimed,
)
from events.ids import new_id
from events.money import credits_to_milli
from events.understanding import CallerUnderstood, Mood

EXCHANGES: Final = 6  # a minute's conversation: the prospect says something, the agent answers
EXCHANGE_S: Final = 10
SECONDS_HELD: Final = 120
PER_MINUTE: Final = 10_000  # thousandths of a credit
MODEL: Final = "bench:model"
FUNDS: Final = credits_to_milli(1_000_000)


def story() -> Iterator[Body]:
    """Yield the events of a call of a minute, as a voice process writes them."""
    yield StateChanged(State.DIALING, State.IDLE)
    yield CarrierAccepted("bench", "CA1")
    yield StateChanged(State.RINGING, State.DIALING)
    yield Answered()
    yield StateChanged(State.LISTENING, State.RINGING)
    yield AnswererKnown(AnsweredBy.HUMAN, "ear")
    for number in range(EXCHANGES):
        turn, at_ms = 2 * number + 1, number * EXCHANGE_S * 1_000
        said = "I wonder what it would cost us"
        yield TurnFinished(turn, Speaker.CALLER, said, said, at_ms, at_ms + 3_000)
        yield CallerUnderstood(turn, Mood.NEUTRAL, 0.1, 0.7)
        yield ModelUsed(MODEL, "spoken", prompt_tokens=900, completion_tokens=40, first_token_ms=300)
        yield StateChanged(State.SPEAKING, State.LISTENING)
        answer = "It depends on how many people work with you; shall we look at that together?"
        yield TurnTimed(turn + 1, vad_ms=200, end_of_turn_ms=350, transcript_ms=360, played_ms=700)
        yield TurnFinished(turn + 1, Speaker.AGENT, answer, answer, at_ms + 3_700, at_ms + 8_000, 700)
        yield StateChanged(State.LISTENING, State.SPEAKING)
        yield Metered((number + 1) * EXCHANGE_S)
    # A lead gets points and a task for it: once.
    yield FactNoted(FactKind.CALLBACK_REQUESTED, when="tomorrow")
    spoken_s = EXCHANGES * EXCHANGE_S
    yield Finished(State.ENDED, Outcome.HUNG_UP, AnsweredBy.HUMAN, spoken_s, spoken_s)
    yield RecordingStored("file:///r.wav", "r.wav", 2, spoken_s, 1_920_044, "00")
    yield Closed()


class Org(msgspec.Struct, frozen=True):
    id: UUID
    agent_id: UUID


async def found(sessions: Sessions, number: int) -> Org:
    mark = f"bench-{new_id().hex}"
    async with UnitOfWork(sessions, new_id()) as unit:
        # Nobody signs in here, so the password needs no hash.
        await found_organisation(NewOrganisation(f"Bench {number}", mark, "Bench", f"{mark}@example.com", "-"), unit)
        await Ledger(unit).fund(FUNDS, "fund:bench")
        agent = Agent(org_id=unit.org_id, id=new_id(), name="Alex", playbook="energy_meeting")
        unit.session.add(agent)
        await unit.commit()
        return Org(unit.org_id, agent.id)


async def dial(sessions: Sessions, org: Org) -> Event:
    """Write down a call that was placed to a lead of its own, and return its first event."""
    held = PER_MINUTE * SECONDS_HELD // 60
    async with UnitOfWork(sessions, org.id) as unit:
        lead = Lead(org_id=org.id, id=new_id(), name="Dana", phone=f"+1202555{random.randrange(10_000):04d}")  # noqa: S311 - any
        unit.session.add(lead)
        await unit.session.flush()
        call = Call(
            org_id=org.id,
            id=new_id(),
            lead_id=lead.id,
            agent_id=org.agent_id,
            decision_id=new_id(),
            number=lead.phone,
            funded_s=SECONDS_HELD,
            price_per_minute=PER_MINUTE,
            reserved=held,
            held=held,
            balance_before=0,
        )
        unit.session.add(call)
        await unit.session.flush()
        await reserve_call(call, Ledger(unit))
        await unit.commit()
    return Event(org.id, call.id, 1, 1, datetime.now(UTC), Answered())
