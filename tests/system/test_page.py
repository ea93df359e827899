"""The plain page in a real browser: signing in, calling a lead, watching it live, reading and hearing a call."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from salesos.data_folder import Running
from tests.chromium import open_chromium, watch_faults
from tests.system.table import Summaries

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LIVE_TIMEOUT_MS = 30_000


@pytest.fixture(scope="module")
def browser(tool: Callable[[str], str]) -> Iterator[Browser]:
    with open_chromium(tool("chromium")) as browser:
        yield browser


def sign_in(page: Page, running: Running) -> None:
    page.goto(running.crm)
    page.fill("input[name=email]", running.email)
    page.fill("input[name=password]", running.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Leads")).to_be_visible()


@pytest.fixture
def page(browser: Browser, running: Running) -> Iterator[Page]:
    """A page whose visitor has signed in; a fault of the page's own script or policy fails the test."""
    page = browser.new_page()
    faults = watch_faults(page)
    sign_in(page, running)
    yield page
    page.close()
    assert faults == []


def test_a_wrong_password_does_not_sign_in(browser: Browser, running: Running) -> None:
    page = browser.new_page()
    page.goto(running.crm)
    page.fill("input[name=email]", running.email)
    page.fill("input[name=password]", "wrong")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("The address or the password is wrong.")).to_be_visible()
    # The next test signs in with the same address, which has to wait a second now.
    page.wait_for_timeout(1_100)
    page.close()


def test_a_call_is_placed_from_the_page_and_followed_live(page: Page) -> None:
    row = page.get_by_role("row").filter(has_text="Raman Dry Cleaning")
    row.get_by_role("button", name="Call").click()
    expect(page.get_by_role("heading", name="Priya Raman")).to_be_visible()
    # Without a reload: the page asks for itself.
    expect(page.locator("ol.turns li.agent").first).to_be_visible(timeout=LIVE_TIMEOUT_MS)
    expect(page.locator("ol.turns li.agent").first).to_contain_text("This call is recorded.")


def test_a_call_can_be_read_and_heard(page: Page, running: Running, summaries: Summaries) -> None:
    summary = summaries["interrupter"]
    page.goto(f"{running.crm}/calls/{summary['call_id']}")
    expect(page.locator("ol.turns li")).to_have_count(len(summary["turns"]))
    expect(page.locator("ol.turns del[title='not heard']").first).to_be_visible()
    expect(page.locator(".chart")).to_have_count(len(summary["waterfall"]))
    duration_s = page.evaluate(
        """() => new Promise((resolve, reject) => {
            const audio = document.querySelector("audio");
            audio.addEventListener("loadedmetadata", () => resolve(audio.duration));
            audio.addEventListener("error", () => reject(new Error("the recording does not play")));
            audio.load();
            audio.preload = "metadata";
        })"""
    )
    assert duration_s == pytest.approx(summary["recording"]["duration_s"], abs=0.1)
    expect(page.get_by_text("meeting booked", exact=False).first).to_be_visible()
