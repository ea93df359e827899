"""Callers who wait for people at two voice nodes of one Redis, on real sockets and the carrier in a box."""

import asyncio
import contextlib
import io
import time
import wave
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any
from uuid import UUID

import aioice.ice
import numpy as np
import pytest

from events import attendance, command, wire
from events import call as events
from events.attendance import AttendanceTicket, Availability
from events.call import Outcome, Speaker
from events.ids import new_id
from events.queue import Member, QueueEntered, QueueLeft, QueuePlan, RepRung, RingOver, Strategy, Then
from events.standing import Gone
from events.ticket import LIFETIME_S
from tests.telephony.people.page import Page, opened
from tests.telephony.softphone.browser import Browser, fine, likeness, tune
from tests.telephony.stage import Stage, finished, set_stage

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("people")]

VOICE_S = 8.0
REP = tune(VOICE_S, 48_000, seed=7)


class Rep:
    """Somebody whose page attends at a node."""

    def __init__(self, name: str) -> None:
        self.user_id = new_id()
        self.name = name
        self.member = Member(self.user_id, name)

    def ticket(self, stage: Stage, **changes: Any) -> str:
        values: dict[str, Any] = {
            "id": new_id(),
            "org_id": stage.org_id,
            "user_id": self.user_id,
            "name": self.name,
            "role": "rep",
            "session_id": None,
            "expires_at": int(time.time()) + LIFETIME_S,
        }
        return attendance.seal(AttendanceTicket(**(values | changes)), stage.settings.secret_key.get_secret_value())

    @contextlib.asynccontextmanager
    async def attending(self, stage: Stage, *, ready: bool = True) -> AsyncGenerator[Page]:
        async with opened(stage.settings.people_address) as page:
            welcome = await page.ask("attend", ticket=self.ticket(stage), ready=ready)
            assert (welcome["say"], welcome["name"], welcome["ready"]) == ("welcome", self.name, ready)
            yield page


async def offer(page: Page, call_id: UUID) -> str:
    """Wait until that call rings there."""
    async with asyncio.timeout(45):
        while True:
            for message in page.told:
                if message["say"] == "offer" and message["call"] == str(call_id):
                    return str(message["offer"])
            await asyncio.sleep(0.05)


async def over(page: Page, name: str) -> tuple[str, str]:
    """Wait until it rings no longer, and return why."""
    async with asyncio.timeout(45):
        while True:
            for message in page.told:
                if message["say"] == "offer_over" and message["offer"] == name:
                    return message["reason"], message["by"]
            await asyncio.sleep(0.05)


async def stands(stage: Stage, rep: Rep) -> Availability:
    seat: Any = await stage.redis.get(wire.seat_key(stage.org_id, rep.user_id))
    occupied: Any = await stage.redis.get(wire.occupied_key(stage.org_id, rep.user_id))
    return attendance.availability(attendance.read(seat), occupied)


async def until_stands(stage: Stage, rep: Rep, wanted: Availability) -> None:
    async with asyncio.timeout(30):
        while True:
            if await stands(stage, rep) is wanted:
                return
            await asyncio.sleep(0.05)


def said(found: list[events.Event], kind: type[Any]) -> list[Any]:
    return [event.body for event in found if isinstance(event.body, kind)]


async def test_callers_are_offered_to_people_at_two_nodes(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    ada, bob = Rep("Ada"), Rep("Bob")
    async with set_stage(redis_url, tmp_path / "one") as stage, set_stage(redis_url, tmp_path / "two") as other:
        other.org_id = stage.org_id
        await stage.seat("silent")
        async with ada.attending(stage) as here, bob.attending(other) as there:
            queue = QueuePlan("Sales", (ada.member, bob.member), id=new_id(), ring_s=60, wait_s=90)
            await _first_to_answer_wins(stage, queue, here, there, (ada, bob))
            await _longest_idle_first(stage, queue, here, there, (ada, bob))
        await until_stands(stage, ada, Availability.AWAY)
        await _nobody_comes(stage, queue)


async def _first_to_answer_wins(stage: Stage, queue: QueuePlan, here: Page, there: Page, reps: tuple[Rep, Rep]) -> None:
    """All ring; Bob, at the other node, is first, and talks with the caller at theirs."""
    _, bob = reps
    call_id = new_id()
    assert (await stage.dial(call_id, queue=queue)).accepted
    for_ada, for_bob = await offer(here, call_id), await offer(there, call_id)
    assert await stands(stage, bob) is Availability.RINGING
    taken = await there.ask("accept", offer=for_bob)
    assert taken["say"] == "ok", taken
    assert taken["data"]["address"] == stage.settings.people_address
    late = await here.ask("accept", offer=for_ada)
    assert (late["say"], late["code"]) == ("refused", "too_late")
    async with opened(taken["data"]["address"]) as page, Browser(REP) as browser:
        welcome = await page.ask("come", ticket=taken["data"]["ticket"])
        assert (welcome["say"], welcome["name"], welcome["word"]) == ("welcome", "Bob", "held")
        await page.join_by(browser)
        await stage.until(call_id, QueueLeft)
        await until_stands(stage, bob, Availability.BUSY)
        await asyncio.sleep(3.5)
        await stage.send(command.HangUp(stage.org_id, call_id))
        found = await stage.until(call_id, events.Closed)
    [entered], [left] = said(found, QueueEntered), said(found, QueueLeft)
    assert (entered.name, left.reason, left.user_id) == ("Sales", "answered", bob.user_id)
    assert {(ring.name, ring.reason) for ring in said(found, RingOver)} == {
        ("Ada", "taken"),
        ("Bob", "accepted"),
    }
    assert finished(found).outcome is Outcome.TRANSFERRED
    truth = await stage.carrier_truth(found)
    sound = await stage.http.get(f"/box/calls/{truth['call_sid']}/heard.wav")
    with wave.open(io.BytesIO(sound.content)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    assert max(likeness(fine(heard), REP, from_s) for from_s in np.arange(0.5, VOICE_S - 1.5, 0.75)) > 0.9
    await until_stands(stage, bob, Availability.READY)


async def _longest_idle_first(stage: Stage, queue: QueuePlan, here: Page, there: Page, reps: tuple[Rep, Rep]) -> None:
    """Bob has just talked, so Ada rings first, and he when she declines; then the caller hangs up."""
    ada, bob = reps
    call_id = new_id()
    one_by_one = QueuePlan("Sales", queue.members, id=queue.id, strategy=Strategy.LONGEST_IDLE, ring_s=60, wait_s=90)
    assert (await stage.dial(call_id, queue=one_by_one)).accepted
    name = await offer(here, call_id)
    assert await stands(stage, bob) is Availability.READY
    assert (await here.ask("decline", offer=name))["say"] == "ok"
    name = await offer(there, call_id)
    assert await stands(stage, ada) is Availability.READY
    await stage.send(command.HangUp(stage.org_id, call_id))
    assert await over(there, name) == ("caller_gone", "")
    found = await stage.until(call_id, events.Closed)
    assert [ring.name for ring in said(found, RepRung)] == ["Ada", "Bob"]
    assert [left.reason for left in said(found, QueueLeft)] == ["abandoned"]
    assert finished(found).outcome is Outcome.MISSED
    await until_stands(stage, bob, Availability.READY)


async def _nobody_comes(stage: Stage, queue: QueuePlan) -> None:
    """The one hears that nobody is there, and is let go; the other talks with the agent in the end."""
    short: dict[str, Any] = {"members": queue.members, "id": queue.id, "wait_s": 5}
    let_go, kept = new_id(), new_id()
    plan = QueuePlan("Sales", then=Then.HANG_UP, goodbye="Nobody is free. Goodbye.", **short)
    assert (await stage.dial(let_go, queue=plan)).accepted
    assert (await stage.dial(kept, queue=QueuePlan("Sales", then=Then.AGENT, **short))).accepted
    found = await stage.until(let_go, events.Closed)
    assert finished(found).outcome is Outcome.MISSED
    assert finished(found).reason == "nobody_came"
    assert "Nobody is free. Goodbye." in [turn.text for turn in said(found, events.TurnFinished)]
    async with asyncio.timeout(30):
        while True:
            talked = [
                turn for turn in said(await stage.events_of(kept), events.StateChanged) if turn.state == "speaking"
            ]
            if talked:
                break
            await asyncio.sleep(0.1)
    await stage.send(command.HangUp(stage.org_id, kept))
    found = await stage.until(kept, events.Closed)
    assert [left.reason for left in said(found, QueueLeft)] == ["nobody_came"]
    assert [turn for turn in said(found, events.TurnFinished) if turn.speaker is Speaker.AGENT]
    assert finished(found).outcome is Outcome.HUNG_UP


async def test_who_may_attend(redis_url: str, tmp_path: Path) -> None:
    ada = Rep("Ada")
    async with set_stage(redis_url, tmp_path / "data") as stage:
        address = stage.settings.people_address
        good = ada.ticket(stage)
        old = ada.ticket(stage, expires_at=int(time.time()) - 1)
        for ticket, code in ((good, ""), (good, "ticket_used"), (old, "ticket_refused"), ("x.y.z", "ticket_refused")):
            async with opened(address) as page:
                answer = await page.ask("attend", ticket=ticket)
                assert answer.get("code", "") == code
        # Who is signed out attends no longer.
        session_id = new_id()
        async with opened(address) as page:
            assert (await page.ask("attend", ticket=ada.ticket(stage, session_id=session_id)))["say"] == "welcome"
            stage.crm.gone[ada.user_id] = Gone.SIGNED_OUT
            await page.until("over", "signed_out")
            del stage.crm.gone[ada.user_id]
        async with ada.attending(stage) as first:
            assert (await first.ask("ready", on=False))["data"] == {"ready": False}
            assert (await first.ask("accept", offer="x.1"))["code"] == "too_late"
            assert (await first.ask("decline", offer="x.1"))["code"] == "too_late"
            assert (await first.ask("hold", on=True))["code"] == "unknown_command"
            assert (await first.ask("ready", on="yes"))["code"] == "bad_message"
            await until_stands(stage, ada, Availability.NOT_READY)
            async with ada.attending(stage):
                await first.until("over", "replaced")
                await until_stands(stage, ada, Availability.READY)
