"""The page /live in a real browser: a supervisor hears a call by the socket, whispers, barges in, takes over."""

import pytest
from playwright.sync_api import Page, expect

from salesos.data_folder import Running
from tests.system.pages.desk import TIMEOUT_MS, hang_up, in_call, is_on, open_call, talks
from tests.system.pages.prospect import Prospect
from tests.system.pages.sound import PERSON_SAYS, PROSPECT_BY_SOCKET, PROSPECT_SAYS, assert_alike, at_phone_rate, record

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def test_a_supervisor_hears_a_call_and_steps_in(page: Page, running: Running, prospect: Prospect) -> None:
    open_call(page, running, "/live", prospect.call_id)
    is_on(page, "listen")
    page.wait_for_timeout(1_000)
    assert_alike(lambda: record(page, PROSPECT_BY_SOCKET), PROSPECT_SAYS)

    # The network is another one: the page comes back by itself and hears on.
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.locator("#panel")).to_have_attribute("data-connection", "lost")
    in_call(page)
    page.wait_for_timeout(1_000)
    assert_alike(lambda: record(page, PROSPECT_BY_SOCKET), PROSPECT_SAYS)

    page.fill("#whisper-text", "Offer them the winter tariff.")
    page.keyboard.press("Enter")
    expect(page.locator("#news")).to_contain_text("to the agent: Offer them the winter tariff.", timeout=TIMEOUT_MS)
    assert page.input_value("#whisper-text") == ""

    page.locator("#barge").click()
    is_on(page, "barge")
    page.locator("#whisper-text").blur()
    page.keyboard.press("t")
    talks(page, "a colleague talks")
    page.wait_for_timeout(1_000)
    assert_alike(lambda: prospect.hears(page), at_phone_rate(PERSON_SAYS))
    hang_up(page)


def test_what_is_refused_goes_back_with_the_reason(page: Page, running: Running, prospect: Prospect) -> None:
    open_call(page, running, "/live", prospect.call_id)
    is_on(page, "listen")
    page.keyboard.press("g")
    expect(page.locator("#fault")).to_contain_text("You do not have this call")
    page.keyboard.press("l")
    is_on(page, "listen", on=False)
    expect(page.locator("#fault")).to_be_hidden()
    hang_up(page)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
