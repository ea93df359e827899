"""The page /phone in a real browser: a rep takes a call over, talks in it, comes back to it, gives it back."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from salesos.data_folder import Running
from tests.browser.hearing import median_likeness
from tests.system.pages.desk import TIMEOUT_MS, accept_dialogs, is_on, open_call, talks, wait_for
from tests.system.pages.prospect import Prospect
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


def test_a_rep_takes_a_call_over_and_both_hear_each_other(page: Page, running: Running, prospect: Prospect) -> None:
    open_call(page, running, "/phone", prospect.call_id)
    is_on(page, "join")
    page.keyboard.press("t")
    talks(page, "a colleague talks")
    page.wait_for_timeout(1_000)
    assert_alike(lambda: record(page, BY_VOICE), PROSPECT_SAYS)
    assert_alike(lambda: prospect.hears(page), at_phone_rate(PERSON_SAYS))

    # Muted, nothing of the microphone is passed on.
    page.keyboard.press("m")
    is_on(page, "mute")
    page.wait_for_timeout(800)
    assert np.abs(prospect.hears(page, 1)).max() < 100
    page.keyboard.press("m")
    is_on(page, "mute", on=False)

    # Keys arrive as tones that a telephone understands.
    for key in "42#":
        page.locator(f"[data-key='{key}']").click()
        page.wait_for_timeout(400)
    # The sound that goes on and on is taken for keys here and there; these are in order, and the last.
    wait_for(page, lambda: prospect.keys.endswith("42#"), "keys")

    # On hold the prospect hears music, and nothing of the person.
    page.keyboard.press("h")
    talks(page, "on hold")
    page.wait_for_timeout(500)
    held = prospect.hears(page, 2)
    assert np.abs(held).max() > 500
    assert median_likeness(held, at_phone_rate(PERSON_SAYS), PHONE_HZ) < 0.6
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
