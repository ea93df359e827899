"""People in live calls by their pages, in a real browser with a microphone, against a simulated prospect on the phone.

What counts is the sound itself: what one end says, the other hears.
"""

import base64
import io
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from media.codec.g711 import Samples
from salesos.api import Api
from salesos.data_folder import Running
from tests.browser.hearing import median_likeness, seconds_of
from tests.chromium import open_chromium, watch_faults
from tests.system.test_page import sign_in
from tests.telephony.softphone.browser import tune

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

PHONE_HZ, BROWSER_HZ = 8_000, 48_000
PROSPECT_SAYS = tune(60, PHONE_HZ, seed=1)
PERSON_SAYS = tune(20, BROWSER_HZ, seed=2)  # over and over
ALIKE_MIN = 0.9
THAT_VOICE_MIN = 0.6  # of another sound no second has half of that
STRETCHES_MAX = 6
TIMEOUT_MS = 20_000
NAME = "Paula Prospect"

# What an audio node of the page gives, as base64 of int16 at the rate of its context.
RECORD = """async ([node, seconds]) => {
  const source = await eval(node);
  const context = source.context;
  const recorder = context.createScriptProcessor(4096, 1, 1);
  const pieces = [];
  recorder.onaudioprocess = ({ inputBuffer }) => pieces.push(inputBuffer.getChannelData(0).slice());
  source.connect(recorder);
  recorder.connect(context.destination);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  source.disconnect(recorder);
  recorder.disconnect();
  const samples = pieces.flatMap((piece) => [...piece]);
  const bytes = new Uint8Array(Int16Array.from(samples, (one) => Math.max(-1, Math.min(1, one)) * 32767).buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(text);
}"""
PROSPECT_BY_SOCKET = "desk.session.listening.analysers[0]"


def record(page: Page, node: str, seconds: float) -> Samples:
    return np.frombuffer(base64.b64decode(page.evaluate(RECORD, [node, seconds])), dtype="<i2")


def write_wav(path: Path, sound: Samples, rate_hz: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(sound.astype("<i2").tobytes())
    return path


@dataclass(frozen=True, slots=True)
class Prospect:
    """The other end of a call, as the carrier in a box knows it."""

    call_id: str
    url: str  # of the carrier's account

    def heard(self, seconds: float) -> Samples:
        """Return the last seconds of what came to the prospect's ear, 8 kHz."""
        answer = httpx.get(f"{self.url}/heard.wav", timeout=10, trust_env=False).raise_for_status()
        with wave.open(io.BytesIO(answer.content)) as file:
            sound = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        return sound[-round(seconds * PHONE_HZ) :]


@pytest.fixture(scope="module")
def browser(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    microphone = write_wav(tmp_path_factory.mktemp("microphone") / "person.wav", PERSON_SAYS, BROWSER_HZ)
    with open_chromium(tool("chromium"), microphone) as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    """A page whose visitor has signed in, with the browser's own work on sound switched off."""
    context = browser.new_context()
    context.add_init_script("localStorage.setItem('salesos.sound', JSON.stringify({ echo: false }))")
    page = context.new_page()
    faults = watch_faults(page)
    sign_in(page, running)
    yield page
    context.close()
    assert faults == []


@pytest.fixture
def prospect(running: Running, api: Api, tmp_path: Path, request: pytest.FixtureRequest) -> Prospect:
    """Somebody who has picked up and makes a sound that goes on and on."""
    number = f"+121255503{len(request.node.name) % 100:02d}"
    api.assign_line(number, "caller_wav", write_wav(tmp_path / "prospect.wav", PROSPECT_SAYS, PHONE_HZ))
    call_id = str(api.place_call({"lead_id": api.create_lead(NAME, number)})["call_id"])
    deadline = time.monotonic() + TIMEOUT_MS / 1000
    while True:
        call = api.call(call_id)
        spoken = [turn for turn in call["turns"] if turn["speaker"] == "agent"]
        if spoken and call["carrier_call_id"]:
            break
        assert time.monotonic() < deadline, f"nobody talks: {call['state']}"
        time.sleep(0.2)
    return Prospect(call_id, f"{running.carrier}/box/calls/{call['carrier_call_id']}")


def open_call(page: Page, running: Running, path: str) -> None:
    page.goto(f"{running.crm}{path}")
    row = page.locator("#calls tr").filter(has_text=NAME).first
    row.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel")).to_have_attribute("data-connection", "in", timeout=TIMEOUT_MS)


def test_a_supervisor_hears_a_call_and_steps_in(page: Page, running: Running, prospect: Prospect) -> None:
    open_call(page, running, "/live")
    expect(page.locator("#listen:not([aria-busy])")).to_have_attribute("aria-pressed", "true", timeout=TIMEOUT_MS)
    page.wait_for_timeout(1_000)
    assert median_likeness(record(page, PROSPECT_BY_SOCKET, 5.5), PROSPECT_SAYS, PHONE_HZ) > ALIKE_MIN

    # The network is another one: the page comes back by itself and hears on.
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#panel")).to_have_attribute("data-connection", "lost")
    expect(page.locator("#panel")).to_have_attribute("data-connection", "in", timeout=TIMEOUT_MS)
    page.wait_for_timeout(1_000)
    hears(lambda: record(page, PROSPECT_BY_SOCKET, 4.5), PROSPECT_SAYS)

    page.fill("#whisper-text", "Offer them the winter tariff.")
    page.keyboard.press("Enter")
    expect(page.locator("#news")).to_contain_text("to the agent: Offer them the winter tariff.", timeout=TIMEOUT_MS)
    assert page.input_value("#whisper-text") == ""

    page.locator("#barge").click()
    expect(page.locator("#barge:not([aria-busy])")).to_have_attribute("aria-pressed", "true", timeout=TIMEOUT_MS)
    page.locator("#whisper-text").blur()
    page.keyboard.press("t")
    expect(page.locator("#word")).to_have_text("a colleague talks", timeout=TIMEOUT_MS)
    prospect_hears(page, prospect)
    hang_up(page)


def test_what_is_refused_goes_back_with_the_reason(page: Page, running: Running, prospect: Prospect) -> None:
    open_call(page, running, "/live")
    expect(page.locator("#listen:not([aria-busy])")).to_have_attribute("aria-pressed", "true", timeout=TIMEOUT_MS)
    page.keyboard.press("g")
    expect(page.locator("#fault")).to_contain_text("You do not have this call")
    page.keyboard.press("l")
    expect(page.locator("#listen:not([aria-busy])")).to_have_attribute("aria-pressed", "false")
    expect(page.locator("#fault")).to_be_hidden()
    hang_up(page)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()


def hang_up(page: Page) -> None:
    accept_dialogs(page)
    page.locator("#hang-up").click()
    expect(page.locator("#panel")).to_have_attribute("data-connection", "over", timeout=TIMEOUT_MS)


def accept_dialogs(page: Page) -> list[str]:
    """Say yes to whatever the page asks; return the kinds of what it has asked."""
    asked: list[str] = []

    def accept(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", accept)
    return asked


def hears(take: Callable[[], Samples], said: Samples) -> None:
    """Find a second in what is heard that is what was said, and nothing else.

    A core that others use makes holes in sound, so that a longer stretch says more of the machine: how alike all of
    it is on a quiet one, `salesos bench people` and the tests of the softphone measure.
    """
    best: list[float] = []
    while not best or best[-1] <= THAT_VOICE_MIN:
        assert len(best) < STRETCHES_MAX, f"likeness: {best}"
        best.append(max(second.likeness for second in seconds_of(take(), said, PHONE_HZ)))


def prospect_hears(page: Page, prospect: Prospect) -> None:
    def take() -> Samples:
        page.wait_for_timeout(4_500)
        return prospect.heard(4)

    hears(take, at_phone_rate(PERSON_SAYS))


def at_phone_rate(sound: Samples) -> Samples:
    """Return a sound of the browser's rate at the telephone's."""
    ratio = BROWSER_HZ // PHONE_HZ
    size = len(sound) // ratio
    spectrum = np.fft.rfft(sound[: size * ratio].astype(float))
    narrow: Samples = (np.fft.irfft(spectrum[: size // 2 + 1], size) / ratio).astype(np.int16)
    return narrow
