"""Many events in one transaction: what they leave is what one after the other leaves, and what cannot be is refused."""

from collections.abc import Sequence

import pytest
from sqlalchemy import select

from crm.billing.model import AccountKind
from crm.calls.batch import NotTogether, take_together
from crm.calls.dial import DialRequest
from crm.calls.model import CallEvent, PendingDial, Turn
from crm.database import Sessions
from crm.resources import Resources
from crm.unit_of_work import UnitOfWork
from crm.usage.model import UsageDay
from events.call import Answered, Event, Metered, ModelUsed, Speaker, TurnFinished, TurnTimed
from events.ids import new_id
from tests.crm.call_story import EAGER, balances, call_of, lead_of, rows
from tests.crm.conftest import Org
from tests.crm.fake_node import CallScript, unknown_call


async def _take(events: Sequence[Event], sessions: Sessions, org: Org) -> set[tuple[int, int]]:
    async with UnitOfWork(sessions, org.id) as unit:
        marks = await take_together(events, unit)
        await unit.commit()
    return {(mark.epoch, mark.seq) for mark in marks}


async def test_two_whole_calls_in_one_transaction(
    resources: Resources, script: CallScript, sessions: Sessions, org: Org
) -> None:
    answer = await resources.dialler.dial(DialRequest(lead_id=org.lead_id), org.id)
    other = CallScript(org.id, answer.call_id)
    mixed = [event for pair in zip(script.events(EAGER), other.events(EAGER), strict=True) for event in pair]
    assert await _take([*mixed, *mixed[:7]], sessions, org) == {(1, len(EAGER))}, "repeats change nothing"
    for each in (script, other):
        call = await call_of(sessions, each)
        assert (call.state, call.event_count, call.closed, call.charged) == ("ended", len(EAGER), True, 2500)
    assert len(await rows(sessions, org, CallEvent)) == 2 * len(EAGER)
    assert len(await rows(sessions, org, Turn)) == 4
    assert (await balances(sessions, org))[AccountKind.REVENUE] == 5000
    assert (await lead_of(sessions, org)).status == "meeting_booked"
    async with UnitOfWork(sessions) as unit:
        waiting = select(PendingDial).where(PendingDial.call_id.in_([script.call_id, other.call_id]))
        assert (await unit.session.scalars(waiting)).all() == []


async def test_a_turn_is_one_row_however_its_parts_come(script: CallScript, sessions: Sessions, org: Org) -> None:
    said = TurnFinished(2, Speaker.AGENT, "Hello.", "Hello.", 100, 900)
    await _take(script.events([TurnTimed(2, vad_ms=200), said, TurnTimed(4, vad_ms=300)]), sessions, org)
    later = script.events([TurnFinished(4, Speaker.AGENT, "Yes.", "Yes.", 1900, 2400), TurnTimed(2, vad_ms=210)])
    await _take(later, sessions, org)
    turns = {turn.turn: turn for turn in await rows(sessions, org, Turn)}
    assert {number: (turn.text, turn.waterfall["vad_ms"]) for number, turn in turns.items()} == {
        2: ("Hello.", 210),
        4: ("Yes.", 300),
    }


async def test_what_models_took_is_added_up(script: CallScript, sessions: Sessions, org: Org) -> None:
    model = f"test:{new_id()}"
    used = ModelUsed(model, "spoken", prompt_tokens=10, completion_tokens=2)
    await _take(script.events([used, used, used]), sessions, org)
    async with UnitOfWork(sessions) as unit:
        day = (await unit.session.scalars(select(UsageDay).where(UsageDay.model == model))).one()
    assert (day.requests, day.prompt_tokens, day.completion_tokens) == (3, 30, 6)


async def test_a_gap_is_not_taken_together(script: CallScript, sessions: Sessions, org: Org) -> None:
    with pytest.raises(NotTogether, match="gap"):
        await _take([script.event(Answered()), script.event(Metered(6), seq=3)], sessions, org)
    assert (await call_of(sessions, script)).event_count == 0


async def test_an_unknown_call_is_not_taken_together(script: CallScript, sessions: Sessions, org: Org) -> None:
    with pytest.raises(NotTogether, match="unknown call"):
        await _take([script.event(Answered()), unknown_call(org.id).event(Answered())], sessions, org)
    assert (await call_of(sessions, script)).event_count == 0
