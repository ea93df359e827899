"""The page /live in a real browser: listening, whispering to an agent that thinks by a model's server, taking over."""

import io
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from playwright.sync_api import Browser, Page, expect

from bench.providers.chat_script import Answer
from salesos.api import Api
from salesos.data_folder import Running
from tests.browser.hearing import median_likeness
from tests.chromium import launch
from tests.system.model import Model
from tests.system.pages.desk import TIMEOUT_MS, hang_up, in_call, is_on, open_call, talks, wait_for
from tests.system.pages.prospect import Prospect, is_answered, prospect_of
from tests.system.pages.sound import (
    BROWSER_HZ,
    NOT_ALIKE_MAX,
    PERSON_SAYS,
    PHONE_HZ,
    PROSPECT_BY_SOCKET,
    PROSPECT_SAYS,
    assert_alike,
    at_phone_rate,
    longest_silence_ms,
    record,
    write_wav,
)
from tests.system.pages.speech import spoken
from tests.system.pages.visits import visit

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LONG = "We help small shops to pay less for their electricity, and most of them save a tenth in the first year."
GREETING = Answer(("Hello, this is Alex.", *(f" {LONG}" for _ in range(8))), gap_s=0.02)
AGAIN = Answer(("Good.", f" {LONG}"), gap_s=0.02)
WHISPER = "Offer them the winter tariff."
WHISPERED = "tomorrow"
PERSON = at_phone_rate(PERSON_SAYS)
AGREED = "an offer by Friday, forty dollars"


@pytest.fixture
def saying_a_sentence(chromium: Browser, tool: Callable[[str], str], tmp_path: Path) -> Iterator[Browser]:
    """Another browser, whose microphone says a sentence of words, and pauses, over and over."""
    microphone = write_wav(tmp_path / "sentence.wav", spoken("Yes, tomorrow at ten."), BROWSER_HZ)
    browser = launch(chromium.browser_type, tool("chromium"), microphone)
    yield browser
    browser.close()


def test_a_supervisor_hears_both_sides_and_comes_back_on_another_network(
    page: Page, running: Running, prospect: Prospect
) -> None:
    open_call(page, running, "/live", prospect.call_id)
    is_on(page, "listen")
    page.wait_for_timeout(1_000)
    assert_alike(lambda: record(page, PROSPECT_BY_SOCKET), PROSPECT_SAYS)
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#panel")).to_have_attribute("data-connection", "lost")
    in_call(page)
    page.wait_for_timeout(1_000)
    assert_alike(lambda: record(page, PROSPECT_BY_SOCKET), PROSPECT_SAYS)

    # What is refused goes back with the reason.
    page.keyboard.press("g")
    expect(page.locator("#fault")).to_contain_text("You do not have this call")
    page.keyboard.press("l")
    is_on(page, "listen", on=False)
    expect(page.locator("#fault")).to_be_hidden()
    hang_up(page)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()


def test_a_supervisor_whispers_barges_in_takes_over_and_gives_back(
    page: Page, running: Running, api: Api, model: Model, number: str, saying_a_sentence: Browser
) -> None:
    call_id = place(api, model, number)
    prospect = prospect_of(call_id, api, running, is_answered)
    before = len(model.asked)
    whisper_by_voice(saying_a_sentence, page, running, call_id)

    open_call(page, running, "/live", call_id)
    is_on(page, "listen")
    page.fill("#whisper-text", WHISPER)
    page.keyboard.press("Enter")
    expect(page.locator("#news")).to_contain_text(f"to the agent: {WHISPER}", timeout=TIMEOUT_MS)
    assert page.input_value("#whisper-text") == ""
    page.locator("#whisper-text").blur()

    # By voice, to the agent: the prospect hears nothing of it.
    page.keyboard.press("w")
    is_on(page, "whisper-voice")
    page.wait_for_timeout(1_000)
    whispered = len(prospect.heard()) / PHONE_HZ
    page.wait_for_timeout(4_500)
    unheard = slice(round(whispered * PHONE_HZ), round((whispered + 4) * PHONE_HZ))

    # A third voice: the agent speaks on.
    page.keyboard.press("b")
    is_on(page, "barge")
    page.wait_for_timeout(1_000)
    assert median_likeness(prospect.hears(page, 4), PERSON, PHONE_HZ) > NOT_ALIKE_MAX

    # One's own alone, from the middle of the agent's word on: no gap, and nothing of the agent's.
    taken_at = len(prospect.heard())
    page.keyboard.press("t")
    talks(page, "a colleague talks")
    page.wait_for_timeout(1_000)
    assert_alike(lambda: prospect.hears(page), PERSON)
    assert longest_silence_ms(prospect.heard()[taken_at - PHONE_HZ // 2 :]) <= 200

    page.fill("#agreed", AGREED)
    page.locator("#agreed").blur()
    page.keyboard.press("g")
    talks(page, "the agent talks")
    request = model.wait_for(f"tells you: {AGREED}", before)
    assert WHISPER in request
    assert WHISPERED in request
    greeting = next(turn for turn in api.call(call_id)["turns"] if turn["speaker"] == "agent")
    assert greeting["interrupted"]
    assert f"{greeting['heard_text']} [interrupted here]" in request, "what was not heard is not remembered as said"
    hang_up(page)
    channels = recording(page, running, call_id)
    assert median_likeness(channels[1][unheard], PERSON, PHONE_HZ) < NOT_ALIKE_MAX
    assert median_likeness(channels[2][unheard], PERSON, PHONE_HZ) > NOT_ALIKE_MAX


def place(api: Api, model: Model, number: str) -> str:
    """Have an agent that thinks by the model call somebody who says nothing; return the call's id."""
    model.answers(GREETING, AGAIN)
    api.box.assign_line(number, "silent", None)
    agent = api.create_agent({"name": "Mia Model", "playbook": "energy_meeting", "model": "openai:any"})
    return str(api.place_call({"lead_id": api.create_lead("Sid Silent", number), "agent_id": agent})["call_id"])


def whisper_by_voice(browser: Browser, page: Page, running: Running, call_id: str) -> None:
    """Whisper what another browser's microphone says, and wait until the agent has it."""
    context = visit(browser, storage_state=page.context.storage_state())
    tab = context.new_page()
    open_call(tab, running, "/live", call_id)
    tab.keyboard.press("w")
    expect(tab.locator("#news")).to_contain_text(WHISPERED, timeout=TIMEOUT_MS, ignore_case=True)
    tab.keyboard.press("Escape")
    expect(tab.locator("#panel")).to_be_hidden()
    context.close()


def recording(page: Page, running: Running, call_id: str) -> npt.NDArray[np.int16]:
    """Return the call's recording as people download it: a row each for the prospect, our side, and people."""
    wait_for(page, lambda: page.request.get(f"{running.crm}/calls/{call_id}/recording").ok, "the recording")
    with wave.open(io.BytesIO(page.request.get(f"{running.crm}/calls/{call_id}/recording").body())) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return samples.reshape(-1, file.getnchannels()).T
