"""A colleague is telephoned beside a prospect, on real sockets: who hears whom, by a tone of each, in every state."""

import asyncio
import io
import shutil
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import aioice.ice
import numpy as np
import pytest

from events import call as events
from events import command, plan
from events.call import Outcome
from events.ids import new_id
from events.leg_events import LegAccepted, LegAnswered, LegArranged, LegEnded
from media.codec.g711 import Samples
from telephony.carrier.app import PERSONAS_DIR
from telephony.carrier.exchange import DEFAULT_PERSONA
from tests.telephony.people.page import Page, opened, ticket
from tests.telephony.softphone.browser import Browser
from tests.telephony.stage import NUMBER, Stage, set_stage

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("people")]

COLLEAGUE: Final = "+12025550150"
SOUND_S: Final = 60.0
# Far from each other, and from the notes of the music.
TONES_HZ: Final = {"prospect": 1_730.0, "colleague": 2_110.0, "rep": 2_530.0}
PHASE_S: Final = 3.0
EDGE_S: Final = 1.0  # a state settles within it, on a machine under load
PRESENT: Final = 400.0  # an amplitude; each tone is sent with 6 000


def tone(name: str, rate_hz: int) -> Samples:
    moments = np.arange(round(SOUND_S * rate_hz)) / rate_hz
    wave_: Samples = (6_000 * np.sin(2 * np.pi * TONES_HZ[name] * moments)).astype(np.int16)
    return wave_


def heard_in(sound: Samples, rate_hz: int) -> set[str]:
    """Return whose tones are in a sound."""
    if len(sound) < rate_hz // 2:
        return {"nothing at all"}
    moments = np.arange(len(sound)) / rate_hz
    found = set()
    for name, pitch_hz in TONES_HZ.items():
        # Half a second at a time: the phase slips where something was lost.
        pieces = np.array_split(sound * np.exp(-2j * np.pi * pitch_hz * moments), max(1, 2 * len(sound) // rate_hz))
        if np.median([2 * abs(piece.mean()) for piece in pieces]) > PRESENT:
            found.add(name)
    return found


@dataclass
class Story:
    acks: dict[str, dict[str, Any]] = field(default_factory=dict)
    rep: dict[str, set[str]] = field(default_factory=dict)  # whom they heard, by state
    prospect: dict[str, set[str]] = field(default_factory=dict)
    colleague: dict[str, set[str]] = field(default_factory=dict)
    told: list[events.Body] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)  # of the carrier's calls, after all


@pytest.fixture(scope="module", name="story")
def _story(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One call with everything in it, played once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
        yield asyncio.run(_play(redis_url, tmp_path_factory.mktemp("consult")))


async def _play(redis_url: str, folder: Path) -> Story:
    story, personas = Story(), folder / "personas"
    personas.mkdir()
    shutil.copy(PERSONAS_DIR / f"{DEFAULT_PERSONA}.yaml", personas)
    (personas / "hums.yaml").write_text(
        "description: Plays a file as soon as it has picked up.\n"
        "lines:\n  - {play: given, when: answered}\npatience_s: 100\n"
    )
    async with set_stage(redis_url, folder / "data", personas=personas) as stage:
        for name, number in (("prospect", NUMBER), ("colleague", COLLEAGUE)):
            await stage.seat("hums", number, wav_path=_wav(folder / f"{name}.wav", tone(name, 8_000)))
        call_id, user_id = new_id(), new_id()
        assert (await stage.dial(call_id, held_by=plan.Holder(user_id, "Ada"))).accepted
        async with opened(stage.settings.people_address) as page, Browser(tone("rep", 48_000)) as browser:
            await page.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id, user_id=user_id))
            await page.join_by(browser)
            marks = await _phases(stage, call_id, page, browser, story)
        loop = asyncio.get_running_loop()
        await asyncio.sleep(PHASE_S)
        marks.append(("passed_on", loop.time(), 0))
        await stage.send(command.HangUp(stage.org_id, call_id))
        ended_at = loop.time()
        found = await stage.until(call_id, events.Closed)
        story.told = [event.body for event in found]
        await _listen(stage, story, marks, ended_at)
    return story


Mark = tuple[str, float, int]  # the state that ends there, when, and how much the rep has heard


async def _phases(stage: Stage, call_id: Any, page: Page, browser: Browser, story: Story) -> list[Mark]:
    loop = asyncio.get_running_loop()
    marks: list[Mark] = []

    async def stay(state: str) -> None:
        marks.append(("", loop.time(), len(browser.heard)))
        await asyncio.sleep(PHASE_S)
        marks.append((state, loop.time(), len(browser.heard)))

    await stage.until(call_id, events.WordPassed)
    story.acks["swap"] = await page.ask("swap")
    await stay("talking")
    story.acks["consult"] = await page.ask("consult", number=COLLEAGUE)
    story.acks["again"] = await page.ask("consult", number=COLLEAGUE)
    story.acks["early"] = await page.ask("conference")
    await stage.until(call_id, LegAnswered)
    await stay("consulting")
    story.acks["aside"] = await page.ask("swap")
    await stay("aside")
    story.acks["conference"] = await page.ask("conference")
    await stay("conference")
    for (_, _, from_), (state, _, to) in pairwise(marks):
        if state:
            story.rep[state] = heard_in(browser.heard[from_ + round(EDGE_S * 48_000) : to], 48_000)
    story.acks["complete"] = await page.ask("complete")
    await page.until("over", "left")
    marks.append(("", loop.time(), 0))
    return marks


async def _listen(stage: Stage, story: Story, marks: list[Mark], ended_at: float) -> None:
    """Look at what the carrier has heard at both telephones."""
    [prospect] = [body.carrier_call_id for body in story.told if isinstance(body, events.CarrierAccepted)]
    [colleague] = [body.carrier_call_id for body in story.told if isinstance(body, LegAccepted)]
    for sid, heard in ((prospect, story.prospect), (colleague, story.colleague)):
        truth = await _until_completed(stage, sid)
        story.statuses.append(truth["status"])
        wav = await stage.http.get(f"/box/calls/{sid}/heard.wav")
        with wave.open(io.BytesIO(wav.content)) as file:
            sound = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
        for (_, from_, _), (state, to, _) in pairwise(marks):
            if state:
                first, last = (len(sound) - round((ended_at - at) * 8_000) for at in (from_ + EDGE_S, to))
                heard[state] = heard_in(sound[max(0, first) : max(0, last)], 8_000)


async def _until_completed(stage: Stage, sid: str) -> dict[str, Any]:
    async with asyncio.timeout(10):
        while True:
            truth: dict[str, Any] = (await stage.http.get(f"/box/calls/{sid}")).json()
            if truth["status"] == "completed":
                return truth
            await asyncio.sleep(0.1)


def _wav(path: Path, sound: Samples) -> str:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8_000)
        file.writeframes(sound.tobytes())
    return str(path)


def test_who_hears_whom_in_each_state(story: Story) -> None:
    assert story.rep == {
        "talking": {"prospect"},
        "consulting": {"colleague"},
        "aside": {"prospect"},
        "conference": {"prospect", "colleague"},
    }
    assert story.prospect == {
        "talking": {"rep"},
        "consulting": set(),
        "aside": {"rep"},
        "conference": {"rep", "colleague"},
        "passed_on": {"colleague"},
    }
    del story.colleague["talking"]  # they had not been called yet
    assert story.colleague == {
        "consulting": {"rep"},
        "aside": set(),
        "conference": {"rep", "prospect"},
        "passed_on": {"prospect"},
    }


def test_each_command_is_answered(story: Story) -> None:
    refused = {name: ack["code"] for name, ack in story.acks.items() if ack["say"] == "refused"}
    assert refused == {"swap": "no_leg", "again": "being_asked", "early": "not_answered"}
    words = {name: ack["word"] for name, ack in story.acks.items() if ack["say"] == "ok"}
    assert words == {
        "consult": "held",
        "aside": "person",
        "conference": "person",
        "complete": "person",
    }


def test_nobody_is_left_at_the_carrier_and_the_end_is_told(story: Story) -> None:
    assert story.statuses == ["completed", "completed"]
    end = [body for body in story.told if isinstance(body, events.Finished)]
    assert [one.outcome for one in end] == [Outcome.TRANSFERRED]
    arranged = [body.arrangement for body in story.told if isinstance(body, LegArranged)]
    assert arranged == ["consulting", "aside", "conference", "passed_on"]
    [leg] = [body for body in story.told if isinstance(body, LegEnded)]
    assert leg.reason == "call_over"
    assert leg.billable_s >= 4 * PHASE_S
    assert [body.reason for body in story.told if isinstance(body, events.PersonLeft)] == [""]
    assert not any(isinstance(body, events.TurnFinished) and body.speaker == "agent" for body in story.told)
