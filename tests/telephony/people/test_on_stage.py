"""A person comes to a live call by a browser: heard, acknowledged, reloaded, replaced, and nobody else gets in."""

import asyncio
import contextlib
import io
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import aioice.ice
import numpy as np
import pytest
from websockets.exceptions import InvalidStatus

from config.settings import Settings
from events import call as events
from events import command
from events.call import State
from events.ids import new_id
from events.standing import Gone
from media.codec.g711 import Samples
from telephony.call.funding import GOODBYE_S
from tests.telephony.people.page import opened, ticket
from tests.telephony.softphone.browser import Browser, best, fine, tune
from tests.telephony.stage import Stage, set_stage

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("people")]

VOICE_S = 14.0
PROSPECT = tune(VOICE_S, 8_000, seed=3)
REP = tune(VOICE_S, 48_000, seed=4)


@dataclass
class Story:
    """What happened, in the order in which it did."""

    refused: dict[str, str] = field(default_factory=dict)
    acks: dict[str, dict[str, Any]] = field(default_factory=dict)
    replaced: dict[str, Any] = field(default_factory=dict)
    over: dict[str, Any] = field(default_factory=dict)
    sent_away: dict[str, Any] = field(default_factory=dict)
    endings: list[dict[str, Any]] = field(default_factory=list)
    rep_heard: Samples = field(default_factory=lambda: np.zeros(0, dtype=np.int16))
    prospect_heard: Samples = field(default_factory=lambda: np.zeros(0, dtype=np.int16))
    keys_heard: str = ""
    told: list[events.Body] = field(default_factory=list)


@pytest.fixture(scope="module", name="story")
def _story(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One call with everything in it, played once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
        yield asyncio.run(_play(redis_url, tmp_path_factory.mktemp("people")))


async def _play(redis_url: str, folder: Path) -> Story:
    story = Story()
    sound = folder / "prospect.wav"
    _write_wav(sound, PROSPECT)
    async with set_stage(redis_url, folder / "data") as stage:
        reply = await stage.http.post(
            "/box/lines", json={"number": "+12025550177", "persona": "caller_wav", "wav_path": str(sound)}
        )
        reply.raise_for_status()
        call_id = new_id()
        assert (await stage.dial(call_id)).accepted
        address = stage.settings.people_address
        await _strangers(stage, call_id, address, story)
        await _until_connected(stage, call_id)
        await _visit(stage, call_id, address, story)
        await stage.send(command.HangUp(stage.org_id, call_id))
        found = await stage.until(call_id, events.Finished)
        story.told = [event.body for event in found]
        truth = await stage.carrier_truth(found)
        story.keys_heard = "".join(truth["keys_heard"])
        wav = await stage.http.get(f"/box/calls/{truth['call_sid']}/heard.wav")
        story.prospect_heard = _read_wav(wav.content)
    return story


async def _strangers(stage: Stage, call_id: UUID, address: str, story: Story) -> None:
    """Whoever has no right to be there."""
    settings, used = stage.settings, ticket(stage.settings, stage.org_id, new_id())
    firsts: dict[str, tuple[str, dict[str, Any]]] = {
        "garbage": ("come", {"ticket": "garbage"}),
        "other organisation": ("come", {"ticket": ticket(settings, new_id(), call_id)}),
        "other call": ("come", {"ticket": used}),
        "used twice": ("come", {"ticket": used}),
        "expired": ("come", {"ticket": ticket(settings, stage.org_id, call_id, expires_at=int(time.time()))}),
        "another key": ("come", {"ticket": ticket(Settings(secret_key="x" * 40), stage.org_id, call_id)}),
        "a permit": ("come", {"ticket": stage.permit(call_id)}),
        "no seat left": ("return", {"rejoin": "x" * 32}),
        "no rejoin": ("return", {"rejoin": ""}),
        "no ticket": ("mute", {"on": True}),
        "no text": ("come", {"ticket": 5}),
    }
    for name, (do, fields) in firsts.items():
        async with opened(address) as page:
            story.refused[name] = (await page.ask(do, **fields))["code"]
            async with asyncio.timeout(5):
                await page.over.wait()
    try:
        async with opened(address, origin="https://evil.example"):
            story.refused["origin"] = "open"
    except InvalidStatus as error:
        story.refused["origin"] = str(error.response.status_code)


async def _until_connected(stage: Stage, call_id: UUID) -> None:
    async with asyncio.timeout(30):
        while True:
            changes = [event.body for event in await stage.events_of(call_id)]
            if any(isinstance(body, events.StateChanged) and body.state is State.SPEAKING for body in changes):
                return
            await asyncio.sleep(0.1)


async def _visit(stage: Stage, call_id: UUID, address: str, story: Story) -> None:
    """Come, talk, press keys, hold, load the page again, open another tab, leave."""
    user_id, origin = new_id(), stage.settings.site_address
    own = {"user_id": user_id}
    async with Browser(REP) as moved, contextlib.AsyncExitStack() as first:
        page = await first.enter_async_context(opened(address, origin))
        page.welcome = await page.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id, **own))
        story.acks["welcome"] = page.welcome
        story.acks["hold too early"] = await page.ask("hold", on=True)
        story.acks["unknown"] = await page.ask("dance")
        story.acks["bad offer"] = await page.ask("connect", sdp="v=0")
        await _until_prospect_talks(stage, call_id)
        async with Browser(REP) as browser:
            await page.join_by(browser)
            story.acks["role"] = await page.ask("role", role="rep")
            await asyncio.sleep(4.5)
            story.acks["mute"] = await page.ask("mute", on=True)
            story.acks["bad keys"] = await page.ask("keys", keys="1x")
            # More than once: browser, node and carrier share one loop here, and a pause of its cuts a tone in two.
            story.acks["keys"] = await page.ask("keys", keys="42#ww42#ww42#")
            await asyncio.sleep(4.0)
            story.acks["hold"] = await page.ask("hold", on=True)
            story.acks["unhold"] = await page.ask("hold", on=False)
            story.rep_heard = browser.heard
        # The network has changed: a new connection on the same socket.
        await page.join_by(moved)
        story.acks["keys after the move"] = await page.ask("keys", keys="7w7w7")
        await asyncio.sleep(1.0)
        await first.aclose()
        async with opened(address, origin) as page:  # the socket broke, and the sound did not
            story.acks["back with sound"] = await page.ask("return", rejoin=story.acks["welcome"]["rejoin"])
            story.acks["keys without a new connection"] = await page.ask("keys", keys="9w9w9")
            await asyncio.sleep(1.5)
    async with opened(address, origin) as page, Browser(REP) as browser:
        story.acks["return"] = await page.ask("return", rejoin=story.acks["back with sound"]["rejoin"])
        await page.join_by(browser)
        async with opened(address, origin) as second:
            story.acks["second tab"] = await second.ask(
                "come", ticket=ticket(stage.settings, stage.org_id, call_id, **own)
            )
            story.replaced = await page.until("over", "replaced")
            async with Browser() as listening:
                await second.join_by(listening)
                story.acks["leave"] = await second.ask("leave")
                story.over = await second.until("over", "left")
    async with opened(address, origin) as page:
        await page.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id, **own))
        stage.crm.gone[user_id] = Gone.SIGNED_OUT
        story.sent_away = await page.until("over", "signed_out")
    async with opened(address, origin) as page:
        await page.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id))
        for funded_s in (1, 600):
            await stage.send(command.Fund(stage.org_id, (command.FundsFor(call_id, funded_s),)))
            story.endings.append(await page.until("ending"))
            page.told.clear()


async def _until_prospect_talks(stage: Stage, call_id: UUID) -> None:
    """Wait until the prospect, who hears the agent out, plays their file."""
    async with asyncio.timeout(40):
        while True:
            found = await stage.events_of(call_id)
            truth = await stage.carrier_truth(found)
            if any(said["kind"] == "play" for said in truth["utterances"]):
                return
            await asyncio.sleep(0.2)


def _write_wav(path: Path, sound: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(sound.tobytes())


def _read_wav(content: bytes) -> Samples:
    with wave.open(io.BytesIO(content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


def test_nobody_else_gets_in(story: Story) -> None:
    assert story.refused == {
        "garbage": "ticket_refused",
        "other organisation": "call_not_here",
        "other call": "call_not_here",
        "used twice": "ticket_used",
        "expired": "ticket_refused",
        "another key": "ticket_refused",
        "a permit": "ticket_refused",
        "no seat left": "rejoin_refused",
        "no rejoin": "rejoin_refused",
        "no ticket": "bad_message",
        "no text": "bad_message",
        "origin": "403",
    }


def test_prospect_and_rep_hear_each_other(story: Story) -> None:
    assert best(story.rep_heard, fine(PROSPECT)) > 0.9
    assert best(fine(story.prospect_heard), REP) > 0.9


def test_every_command_is_answered(story: Story) -> None:
    acks = story.acks
    welcome = acks["welcome"]
    assert (welcome["say"], welcome["seat"], welcome["name"], welcome["word"]) == ("welcome", "rep", "Ada", "agent")
    assert {name: acks[name]["code"] for name in ("hold too early", "unknown", "bad offer", "bad keys")} == {
        "hold too early": "not_talking",
        "unknown": "unknown_command",
        "bad offer": "bad_offer",
        "bad keys": "bad_keys",
    }
    assert all(acks[name]["say"] == "ok" for name in ("role", "mute", "keys", "hold", "unhold", "leave"))
    assert acks["keys after the move"]["say"] == "ok", "the role is kept"
    assert (acks["hold"]["word"], acks["unhold"]["word"]) == ("held", "agent")
    assert acks["role"]["state"] in (State.LISTENING, State.SPEAKING)


def test_keys_reach_the_prospect(story: Story) -> None:
    assert "42#" in story.keys_heard
    assert "7" in story.keys_heard, "from the other network too"
    assert story.keys_heard.endswith("9"), "and by the connection of the broken socket"


def test_a_page_that_is_loaded_again_is_back_before_anybody_misses_it(story: Story) -> None:
    assert story.acks["return"]["say"] == "welcome"
    assert story.acks["return"]["rejoin"] != story.acks["welcome"]["rejoin"]
    assert not any(isinstance(body, events.PersonLeft) and body.reason == "lost" for body in story.told)


def test_a_page_whose_socket_broke_is_there_by_the_sound_it_had(story: Story) -> None:
    acks = story.acks
    assert (acks["back with sound"]["connected"], acks["back with sound"]["word"]) == (True, "agent")
    assert acks["keys without a new connection"]["say"] == "ok"
    assert acks["return"]["say"] == "welcome"


def test_the_later_tab_has_the_call(story: Story) -> None:
    assert story.acks["second tab"]["say"] == "welcome"
    assert "another tab" in story.replaced["sentence"]
    assert story.over["code"] == "left"
    joined = [body for body in story.told if isinstance(body, events.PersonJoined)]
    left = [body for body in story.told if isinstance(body, events.PersonLeft)]
    visits = [body.person for body in joined] + [body.person for body in left]
    assert visits.count(joined[0].person) == 4, "a visit, however many pages it had, and the one that was cut short"


def test_who_is_signed_out_meanwhile_is_told_and_out(story: Story) -> None:
    assert "signed out" in story.sent_away["sentence"]


def test_whoever_is_there_is_told_that_the_credits_run_out_and_that_they_do_not(story: Story) -> None:
    assert [ending["reason"] for ending in story.endings] == ["credits", ""]
    assert 0 < story.endings[0]["in_s"] <= GOODBYE_S
