"""Who has the word puts the prospect through, on real sockets: the two are connected, and we are out of it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from events import call as events
from events import plan
from events.call import Outcome, State
from events.ids import new_id
from events.leg_events import LegEnded, LegPlaced
from events.permit import Purpose
from tests.telephony.people.page import Page, opened, ticket
from tests.telephony.stage import Stage, finished, set_stage

pytestmark = [pytest.mark.timeout(90), pytest.mark.xdist_group("people")]

COLLEAGUE = "+12025550150"
BLOCKED = "+12025550151"


async def test_a_prospect_is_put_through_and_the_call_is_out_of_it(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path / "data") as stage:
        stage.crm.refused_legs[BLOCKED] = "do_not_call"
        await stage.seat("silent")
        await stage.seat("silent", COLLEAGUE)
        call_id, user_id = new_id(), new_id()
        assert (await stage.dial(call_id, held_by=plan.Holder(user_id, "Ada"))).accepted
        address = stage.settings.people_address
        async with opened(address) as page, opened(address) as other:
            await page.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id, user_id=user_id))
            early = await page.ask("transfer", number=COLLEAGUE)
            await stage.until(call_id, events.WordPassed)
            await other.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id, name="Bob"))
            refused = [
                early,
                await other.ask("transfer", number=COLLEAGUE),
                await page.ask("transfer", number=" "),
                await page.ask("transfer", number=BLOCKED),
                await _with_the_crm_away(stage, page),
            ]
            assert [answer["code"] for answer in refused] == [
                "not_connected",
                "not_yours",
                "bad_number",
                "do_not_call",
                "crm_away",
            ]
            assert (await page.ask("transfer", number=COLLEAGUE))["say"] == "ok"
            await page.until("over", "call_over")
        told = await stage.until(call_id, events.Closed)
        truth = await _until_bridged(stage, told)
    assert (truth["dialed"], truth["status"]) == ([COLLEAGUE], "in-progress"), "we have not hung up on them"
    end = finished(told)
    assert (end.state, end.outcome) == (State.ENDED, Outcome.TRANSFERRED)
    [placed] = [event.body for event in told if isinstance(event.body, LegPlaced)]
    assert (placed.purpose, placed.number, placed.name, placed.user_id) == (
        Purpose.TRANSFER,
        COLLEAGUE,
        "Ada",
        user_id,
    )
    assert not [event for event in told if isinstance(event.body, LegEnded)]
    assert [asked.user_id for asked in stage.crm.legs] == [user_id, user_id], "a refusal, and the permit"


async def _with_the_crm_away(stage: Stage, page: Page) -> dict[str, Any]:
    stage.crm.away = True
    answer = await page.ask("transfer", number=COLLEAGUE)
    stage.crm.away = False
    return answer


async def _until_bridged(stage: Stage, told: list[events.Event]) -> dict[str, Any]:
    async with asyncio.timeout(15):
        while True:
            truth = await stage.carrier_truth(told)
            if truth["bridged_to"]:
                return truth
            await asyncio.sleep(0.1)
