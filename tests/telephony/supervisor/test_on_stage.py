"""A live call that a supervisor listens to and a rep takes over and gives back, on real sockets and its own sound."""

import asyncio
import io
import json
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aioice.ice
import numpy as np
import pytest
from pydantic import SecretStr

from bench.providers.chat_script import Answer, InTurn
from bench.providers.chat_server import ChatServer
from bench.providers.openai_chat import OpenAIChat
from events import call as events
from events import command
from events.ids import new_id
from events.plan import Providers
from events.ticket import Seat
from media import load
from media.codec import g711
from media.codec.g711 import ULAW_SILENCE, Samples
from telephony.supervisor.tap import STRETCH_MS
from tests.telephony.people.page import Page, opened, ticket
from tests.telephony.softphone.browser import Browser, fine, likeness, tune
from tests.telephony.stage import Stage, set_stage

pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("people")]

NUMBER = "+12025550108"  # answered, and silent
VOICE_S = 12.0
REP = tune(VOICE_S, 48_000, seed=5)
SPOKEN_S = 4.0
LONG = "We help small shops to pay less for their electricity, and most of them save a tenth in the first year."
GREETING = Answer(("Hello, this is Alex.", *(f" {LONG}" for _ in range(4))), gap_s=0.02)
AGAIN = Answer(("Good.", f" {LONG}"), gap_s=0.02)
WHISPER = "offer them ten per cent"
AGREED = "an offer by Friday, forty dollars"


@dataclass
class Story:
    acks: dict[str, dict[str, Any]] = field(default_factory=dict)
    supervisor: list[dict[str, Any]] = field(default_factory=list)
    organisation: list[dict[str, Any]] = field(default_factory=list)
    told: list[events.Body] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)  # the model's requests, as text
    heard: Samples = field(default_factory=lambda: np.zeros(0, dtype=np.int16))  # by the prospect


@pytest.fixture(scope="module", name="story")
def _story(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """One call with everything in it, played once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(aioice.ice, "get_host_addresses", lambda **_: ["127.0.0.1"])
        # All ends of the call are in this one process, and others load the machine: what is shed then is tested apart.
        patch.setattr(load, "STEPS", {})
        yield asyncio.run(_play(redis_url, tmp_path_factory.mktemp("supervisor")))


async def _play(redis_url: str, folder: Path) -> Story:
    story = Story()
    async with (
        ChatServer(OpenAIChat(), InTurn((GREETING, AGAIN, AGAIN, AGAIN))) as model,
        set_stage(redis_url, folder, openai_api_key=SecretStr("k"), openai_base_url=model.base_url, drain_s=1) as stage,
    ):
        await stage.seat("silent", NUMBER)
        call_id = new_id()
        assert (await stage.dial(call_id, NUMBER, providers=Providers(llm="openai:m"))).accepted
        await stage.until(call_id, events.Answered)
        address = stage.settings.people_address
        async with opened(address) as above, opened(address) as page, opened(address) as late:
            boss = {"seat": Seat.SUPERVISOR, "name": "Ines"}
            await _until_welcome(above, stage, call_id, **boss)
            await _until_welcome(page, stage, call_id)
            await _watch(above, story)
            await _until_speaking(above)
            await _take_over(page, above, story)
            await _until_welcome(late, stage, call_id, name="Bob")
            story.acks["whisper by a rep"] = await late.ask("whisper", text=WHISPER)
            story.acks["all calls for a rep"] = await late.ask("follow_org")
            await _until_agent_again(above)
            await stage.send(command.HangUp(stage.org_id, call_id))
            found = await stage.until(call_id, events.Closed)
            await above.until("over", "call_over")
        story.told = [event.body for event in found]
        story.supervisor = [message for message in above.told if message["say"] in ("live", "sound")]
        story.organisation = [message for message in above.told if message["say"] == "org"]
        story.asked = [json.dumps(seen.body) for seen in model.seen if seen.method == "POST"]
        truth = await stage.carrier_truth(found)
        wav = await stage.http.get(f"/box/calls/{truth['call_sid']}/heard.wav")
        story.heard = _read_wav(wav.content)
    return story


async def _until_welcome(page: Page, stage: Stage, call_id: Any, **changes: Any) -> None:
    """Come to the call; the line may open a moment after somebody picked up."""
    welcome = await page.ask("come", ticket=ticket(stage.settings, stage.org_id, call_id, **changes))
    assert welcome["say"] == "welcome", welcome


async def _watch(above: Page, story: Story) -> None:
    story.acks["follow"] = await above.ask("follow")
    story.acks["listen"] = await above.ask("listen", on=True)
    story.acks["follow_org"] = await above.ask("follow_org")
    story.acks["bad place"] = await above.ask("follow_org", after="yesterday")
    story.acks["again"] = await above.ask("follow_org")
    story.acks["take over unheard"] = await above.ask("take_over")


async def _until_speaking(above: Page) -> None:
    async with asyncio.timeout(30):
        while True:
            if any(m.get("kind") == "call.state_changed" and m["state"] == "speaking" for m in above.told):
                return
            await asyncio.sleep(0.05)


async def _take_over(page: Page, above: Page, story: Story) -> None:
    """Talk in the agent's place while it speaks, and give the call back."""
    async with Browser(REP) as browser:
        await page.join_by(browser)
        await asyncio.sleep(1.0)
        story.acks["whisper"] = await above.ask("whisper", text=WHISPER)
        story.acks["take_over"] = await page.ask("take_over")
        story.acks["second"] = await above.ask("take_over")
        await asyncio.sleep(SPOKEN_S)
        story.acks["hand_back"] = await page.ask("hand_back", agreed=AGREED)
        story.acks["hand_back again"] = await page.ask("hand_back")
        await asyncio.sleep(0.2)


async def _until_agent_again(above: Page) -> None:
    """Wait until the agent has been heard for a while after the call was handed back."""
    async with asyncio.timeout(30):
        while True:
            kinds = [(m.get("kind"), m.get("to") or m.get("state")) for m in above.told]
            if ("word.passed", "agent") in kinds:
                after = kinds[kinds.index(("word.passed", "agent")) :]
                if ("call.state_changed", "speaking") in after:
                    await asyncio.sleep(1.0)
                    return
            await asyncio.sleep(0.05)


def _read_wav(content: bytes) -> Samples:
    with wave.open(io.BytesIO(content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)


def _greeting(story: Story) -> events.TurnFinished:
    turns = [body for body in story.told if isinstance(body, events.TurnFinished)]
    return next(turn for turn in turns if turn.speaker is events.Speaker.AGENT)


def _best(heard: Samples) -> float:
    return max(likeness(fine(heard), REP, from_s) for from_s in np.arange(0.5, VOICE_S - 1.5))


def _silent_ms(sound: Samples) -> int:
    longest = run = 0
    for block in sound[: len(sound) // 80 * 80].reshape(-1, 80):
        run = run + 10 if np.abs(block.astype(int)).max() < 300 else 0
        longest = max(longest, run)
    return longest


def test_the_take_over_leaves_no_gap_and_the_rep_is_heard_alone(story: Story) -> None:
    taken_ms = _greeting(story).ended_ms
    heard = story.heard[(taken_ms - 100) * 8 : (taken_ms + round(SPOKEN_S * 1_000) - 500) * 8]
    assert _silent_ms(heard) <= 200
    # A second that is like the rep's so much holds nothing of anybody else's.
    assert _best(story.heard[taken_ms * 8 :]) > 0.9


def test_memory_is_what_was_heard_and_the_model_learns_what_was_agreed(story: Story) -> None:
    greeting = _greeting(story)
    assert greeting.interrupted
    assert 0 < len(greeting.heard_text.split()) < len(greeting.text.split())
    after = story.asked[1]
    assert f"{greeting.heard_text} [interrupted here]" in after
    assert f"Ada tells you: {AGREED}" in after
    passed = [(body.to, body.name) for body in story.told if isinstance(body, events.WordPassed)]
    assert passed == [("person", "Ada"), ("agent", "Ada")]


def test_nothing_is_answered_while_a_person_has_the_word(story: Story) -> None:
    names = [body.to if isinstance(body, events.WordPassed) else type(body).__name__ for body in story.told]
    meanwhile = names[names.index("person") : names.index("agent")]
    assert "ModelUsed" not in meanwhile


def test_a_whisper_reaches_the_models_next_turn_and_nobodys_ear(story: Story) -> None:
    assert WHISPER in story.asked[1]
    assert WHISPER not in story.asked[0]
    assert not any(WHISPER in body.text for body in story.told if isinstance(body, events.TurnFinished))
    assert events.AgentInstructed(WHISPER, "Ines") in story.told


def test_every_command_is_answered_with_a_word_or_a_reason(story: Story) -> None:
    acks = story.acks
    said = {name: ack.get("code") or ack["word"] for name, ack in acks.items()}
    assert said == {
        "follow": "",
        "listen": "",
        "follow_org": "",
        "bad place": "bad_place",
        "again": "",
        "take over unheard": "no_audio",
        "whisper": "agent",
        "take_over": "person",
        "second": "taken",
        "hand_back": "agent",
        "hand_back again": "not_yours",
        "whisper by a rep": "supervisors_only",
        "all calls for a rep": "supervisors_only",
    }
    assert acks["second"]["sentence"] == "Ada has taken this call over already."


def test_the_supervisor_hears_both_sides_apart_by_the_socket(story: Story) -> None:
    sounds = [message for message in story.supervisor if message["say"] == "sound"]
    assert len(sounds) * STRETCH_MS > SPOKEN_S * 1_000
    assert all(not message["prospect"] or len(message["prospect"]) == STRETCH_MS * 8 for message in sounds)
    ours = b"".join(message["ours"] or ULAW_SILENCE * STRETCH_MS * 8 for message in sounds)
    assert _best(g711.decode(ours)) > 0.9


def test_the_supervisor_follows_what_the_call_tells(story: Story) -> None:
    told = [message for message in story.supervisor if message["say"] == "live" and message["kind"] != "levels"]
    numbers = [message["seq"] for message in told]
    assert numbers == sorted(set(numbers))
    kinds = {message["kind"] for message in told}
    assert {"call.answered", "turn.finished", "word.passed", "agent.instructed", "person.joined"} <= kinds
    assert "model.used" not in kinds
    assert any(message.get("kind") == "levels" and message["ours"] > 0.01 for message in story.supervisor)
    organisation = [message["kind"] for message in story.organisation]
    assert {"call.answered", "word.passed"} <= set(organisation)
    ids = [message["id"] for message in story.organisation]
    assert len(ids) >= len(set(ids)) > 10
