"""A live call whose credits change: it ends when the new ones do, and only its own organisation's word counts."""

from pathlib import Path

import pytest

from events import call as events
from events.command import Fund, FundsFor
from events.ids import new_id
from tests.telephony.stage import finished, set_stage

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("stage")]
NUMBER = "+12025550193"


async def test_credits_that_are_gone_end_a_call_with_a_goodbye(redis_url: str, tmp_path: Path) -> None:
    call_id = new_id()
    async with set_stage(redis_url, tmp_path) as stage:
        await stage.seat("silent", NUMBER)
        reply = await stage.dial(call_id, NUMBER)
        assert reply.accepted, reply.reason
        await stage.until(call_id, events.Answered)
        stranger = Fund(new_id(), (FundsFor(call_id, 0),))
        assert (await stage.send(stranger)).calls == (), "another organisation's command finds nothing"
        gone = Fund(stage.org_id, (FundsFor(call_id, 1), FundsFor(new_id(), 1)))
        assert (await stage.send(gone)).calls == (call_id,)
        found = await stage.until(call_id, events.Closed)
        truth = await stage.carrier_truth(found)
    end = finished(found)
    assert end.outcome is events.Outcome.OUT_OF_CREDIT, "and not the time that the plan allows"
    assert end.duration_s < 60
    assert truth["ended_by"] == "api", "the carrier's own limit is the plan's"
    spoken = [event.body for event in found if isinstance(event.body, events.TurnFinished)]
    assert spoken, "a goodbye was said"
