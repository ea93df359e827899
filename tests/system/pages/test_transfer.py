"""The page /phone in a real browser: a rep asks a colleague beside the prospect, and puts a prospect through."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from salesos.api import Api
from salesos.data_folder import Running
from tests.browser.hearing import median_likeness
from tests.system.pages.desk import TIMEOUT_MS, dial_by_keys, hang_up, talks, wait_for
from tests.system.pages.prospect import Prospect, is_answered, prospect_of
from tests.system.pages.sound import PERSON_SAYS, PHONE_HZ, PROSPECT_SAYS, assert_alike, at_phone_rate

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

COLLEAGUE = "+12125559990"


def says(page: Page, text: str) -> None:
    expect(page.locator("#transfer-status")).to_contain_text(text, timeout=TIMEOUT_MS)


def called(page: Page, running: Running, api: Api, prospect_wav: Path, number: str, name: str) -> Prospect:
    """Call a lead who talks on, and be heard by them."""
    api.box.assign_line(number, "talks_on", prospect_wav)
    api.create_lead(name, number)
    call_id = dial_by_keys(page, running, name)
    talks(page, "a colleague talks")
    return prospect_of(call_id, api, running, is_answered)


def test_a_rep_asks_a_colleague_and_leaves_the_two_to_each_other(
    page: Page, running: Running, api: Api, prospect_wav: Path, number: str
) -> None:
    prospect = called(page, running, api, prospect_wav, number, "Wanda Warm")
    api.box.assign_line(COLLEAGUE, "silent", None)
    expect(page.locator("#swap")).to_be_disabled()
    page.fill("#transfer-number", "911")
    page.keyboard.press("Enter")
    expect(page.locator("#fault")).to_contain_text("Numbers of that kind are not dialled", timeout=TIMEOUT_MS)
    page.fill("#transfer-number", COLLEAGUE)
    page.keyboard.press("Enter")
    says(page, "has picked up")
    page.locator("#transfer-number").blur()
    talks(page, "on hold")
    [leg] = api.call(prospect.call_id)["legs"]
    colleague = Prospect(prospect.call_id, f"{running.carrier}/box/calls/{leg['carrier_call_id']}")
    assert_alike(lambda: colleague.hears(page), at_phone_rate(PERSON_SAYS))
    assert median_likeness(prospect.hears(page, 2), at_phone_rate(PERSON_SAYS), PHONE_HZ) < 0.7, "music"

    page.keyboard.press("s")
    says(page, "You talk with the prospect")
    assert_alike(lambda: prospect.hears(page), at_phone_rate(PERSON_SAYS))
    page.keyboard.press("o")
    says(page, "All three talk")
    page.keyboard.press("e")
    expect(page.locator("#panel")).to_have_attribute("data-connection", "over", timeout=TIMEOUT_MS)
    assert_alike(lambda: colleague.hears(page), PROSPECT_SAYS)
    hang_up(page)  # as whoever has the page still may
    wait_for(page, lambda: api.call(prospect.call_id)["closed"], "the end of the call")
    call = api.call(prospect.call_id)
    assert (call["outcome"], call["legs"][0]["reason"]) == ("transferred", "call_over")
    wait_for(page, lambda: colleague.truth["status"] == "completed", "the colleague's telephone to be hung up")


def test_a_rep_puts_a_prospect_through(page: Page, running: Running, api: Api, prospect_wav: Path, number: str) -> None:
    prospect = called(page, running, api, prospect_wav, number, "Carla Cold")
    api.box.assign_line(COLLEAGUE, "silent", None)
    page.fill("#transfer-number", COLLEAGUE)
    page.locator("#transfer-number").blur()
    page.keyboard.press("x")
    expect(page.locator("#panel")).to_have_attribute("data-connection", "over", timeout=TIMEOUT_MS)
    wait_for(page, lambda: prospect.truth["bridged_to"] == COLLEAGUE, "the two to be connected")
    assert api.call(prospect.call_id)["outcome"] == "transferred"
