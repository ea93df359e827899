"""A person places a call and comes while it rings: the prospect hears them and nothing of the agent."""

import asyncio
import io
import wave
from pathlib import Path

import aioice.ice
import numpy as np
import pytest

from events import call as events
from events import command, plan
from events.call import Speaker, State
from events.ids import new_id
from media.codec import g711
from media.hold_music import composed
from telephony.call.people import LOST_S, MUSIC_S
from tests.telephony.people.page import opened, ticket
from tests.telephony.softphone.browser import Browser, fine, likeness, tune
from tests.telephony.stage import set_stage

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("people")]

VOICE_S = 8.0
REP = tune(VOICE_S, 48_000, seed=4)


async def test_whoever_placed_the_call_is_heard(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
    async with set_stage(redis_url, tmp_path / "data") as stage:
        await stage.seat("silent")
        call_id, user_id = new_id(), new_id()
        assert (await stage.dial(call_id, held_by=plan.Holder(user_id, "Ada"))).accepted
        async with opened(stage.settings.people_address) as page, Browser(REP) as browser:
            welcome = await page.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id, user_id=user_id))
            assert (welcome["say"], welcome["word"]) == ("welcome", "person")
            await page.join_by(browser)
            await stage.until(call_id, events.WordPassed)
            await asyncio.sleep(5.0)
            await stage.send(command.HangUp(stage.org_id, call_id))
            told = await stage.until(call_id, events.Finished)
        truth = await stage.carrier_truth(told)
        sound = await stage.http.get(f"/box/calls/{truth['call_sid']}/heard.wav")
    with wave.open(io.BytesIO(sound.content)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    assert max(likeness(fine(heard), REP, from_s) for from_s in np.arange(0.5, VOICE_S - 1.5, 0.75)) > 0.9
    bodies = [event.body for event in told]
    assert not [b for b in bodies if isinstance(b, events.TurnFinished) and b.speaker is Speaker.AGENT]
    assert not [b for b in bodies if isinstance(b, events.StateChanged) and b.state is State.SPEAKING]
    assert [b.name for b in bodies if isinstance(b, events.PersonJoined)] == ["Ada"]


async def test_whoever_placed_a_call_is_told_that_the_line_is_busy(redis_url: str, tmp_path: Path) -> None:
    async with set_stage(redis_url, tmp_path / "data") as stage:
        await stage.seat("busy")
        call_id, user_id = new_id(), new_id()
        assert (await stage.dial(call_id, held_by=plan.Holder(user_id, "Ada"))).accepted
        async with opened(stage.settings.people_address) as page:
            await page.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id, user_id=user_id))
            assert (await page.ask("follow", after=0))["say"] == "ok"
            assert (await page.ask("hold", on=True))["say"] == "refused"
            await page.until("over", "call_over")
            told = [message for message in page.told if message.get("kind") == "call.state_changed"]
        assert [change["state"] for change in told] == [State.DIALING, State.RINGING, State.FAILED]
        assert told[-1]["reason"] == "busy"


async def test_who_never_comes_is_waited_for_as_long_as_the_rule_says(redis_url: str, tmp_path: Path) -> None:
    """The rule of a lost colleague in real time: a word of patience, music, and the agent in the end."""
    async with set_stage(redis_url, tmp_path / "data") as stage:
        await stage.seat("silent")
        call_id = new_id()
        assert (await stage.dial(call_id, held_by=plan.Holder(new_id(), "Ada"))).accepted
        async with asyncio.timeout(LOST_S + 40):
            while True:
                told = await stage.events_of(call_id)
                if any(isinstance(event.body, events.WordPassed) and event.body.to == "agent" for event in told):
                    break
                await asyncio.sleep(0.2)
        await stage.until(call_id, events.TurnFinished)
        await stage.send(command.HangUp(stage.org_id, call_id))
        told = await stage.until(call_id, events.Finished)
        truth = await stage.carrier_truth(told)
        sound = await stage.http.get(f"/box/calls/{truth['call_sid']}/heard.wav")
    answered = next(event.at for event in told if isinstance(event.body, events.WordPassed))
    taken = next(e.at for e in told if isinstance(e.body, events.WordPassed) and e.body.to == "agent")
    held = [(e.body.held, (e.at - answered).total_seconds()) for e in told if isinstance(e.body, events.CallHeld)]
    # Timers are never early; how late they are is the machine's.
    assert LOST_S - 0.1 <= (taken - answered).total_seconds() < LOST_S + 5
    assert [on for on, _ in held] == [True, False]
    assert MUSIC_S - 0.1 <= held[0][1] < MUSIC_S + 5
    with wave.open(io.BytesIO(sound.content)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    music = fine(g711.decode(composed())[: 8 * 8_000])
    assert likeness(fine(heard), music, 2.0) > 0.9
