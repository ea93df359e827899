"""The page /phone in a real browser: a rep calls a lead, talks, comes back to the call, gives it to the agent."""

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from salesos.api import Api
from salesos.data_folder import Running
from tests.browser.hearing import median_likeness
from tests.system.pages.desk import TIMEOUT_MS, accept_dialogs, dial_by_keys, is_on, talks, wait_for
from tests.system.pages.prospect import is_answered, prospect_of
from tests.system.pages.sound import (
    BY_VOICE,
    PERSON_SAYS,
    PHONE_HZ,
    PROSPECT_SAYS,
    assert_alike,
    at_phone_rate,
    record,
)

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def test_a_rep_calls_a_lead_and_both_hear_each_other(
    page: Page, running: Running, api: Api, prospect_wav: Path, number: str
) -> None:
    api.box.assign_line(number, "talks_on", prospect_wav)
    api.create_lead("Dora Dialled", number)
    call_id = dial_by_keys(page, running, "Dora")
    expect(page.locator("#state")).to_have_text("ringing", timeout=TIMEOUT_MS)
    talks(page, "a colleague talks")
    expect(page.locator("#state")).to_have_text(re.compile("listening|speaking"), timeout=TIMEOUT_MS)
    prospect = prospect_of(call_id, api, running, is_answered)
    page.wait_for_timeout(1_000)
    assert_alike(lambda: record(page, BY_VOICE), PROSPECT_SAYS)
    assert_alike(lambda: prospect.hears(page), at_phone_rate(PERSON_SAYS))

    # Muted, nothing of the microphone is passed on.
    page.keyboard.press("m")
    is_on(page, "mute")
    page.wait_for_timeout(800)
    assert np.abs(prospect.hears(page, 1)).max() < 100
    # Keys arrive as tones that a telephone understands: also of who is muted, whose voice nobody takes for keys here.
    for key in "42#":
        page.locator(f"[data-key='{key}']").click()
        page.wait_for_timeout(400)
    wait_for(page, lambda: prospect.keys.endswith("42#"), "keys")
    page.keyboard.press("m")
    is_on(page, "mute", on=False)

    # On hold the prospect hears music, and nothing of the person.
    page.keyboard.press("h")
    talks(page, "on hold")
    page.wait_for_timeout(500)
    held = prospect.hears(page, 2)
    assert np.abs(held).max() > 500
    assert median_likeness(held, at_phone_rate(PERSON_SAYS), PHONE_HZ) < 0.7
    page.keyboard.press("h")
    talks(page, "a colleague talks")

    # A page that is loaded again asks first, and is in the call again.
    asked = accept_dialogs(page)
    page.reload()
    assert asked == ["beforeunload"]
    talks(page, "a colleague talks")
    page.wait_for_timeout(1_000)
    assert_alike(lambda: prospect.hears(page), at_phone_rate(PERSON_SAYS))

    page.fill("#agreed", "They want a call on Monday.")
    page.locator("#agreed").blur()
    page.keyboard.press("g")
    talks(page, "the agent talks")
    expect(page.locator("#news")).to_contain_text("The agent has the call again")
    page.locator("#hang-up").click()
    expect(page.locator("#panel")).to_have_attribute("data-connection", "over", timeout=TIMEOUT_MS)
    assert asked == ["beforeunload", "confirm"]


def test_a_busy_line_is_told_and_the_next_lead_can_be_called(
    page: Page, running: Running, api: Api, number: str
) -> None:
    api.box.assign_line(number, "busy", None)
    api.create_lead("Bruno Busy", number)
    dial_by_keys(page, running, "Bruno")
    expect(page.locator("#connection")).to_have_text("The call is over. The line was busy.", timeout=TIMEOUT_MS)
    expect(page.locator("#dial button").filter(has_text="Bruno").first).to_be_enabled()


def test_a_call_that_may_not_be_placed_is_refused_with_the_reason(page: Page, running: Running, api: Api) -> None:
    api.create_lead("Fleur Foreign", "+33142685300")
    page.goto(f"{running.crm}/phone")
    page.fill("#dial-query", "Fleur")
    page.locator("#dial button").filter(has_text="Fleur").first.click()
    expect(page.locator("#dial-fault")).to_have_text("Calls to this country are not allowed.", timeout=TIMEOUT_MS)
    expect(page.locator("#panel")).to_be_hidden()
