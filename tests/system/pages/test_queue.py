"""The page /phone in a real browser: it attends, rings when somebody calls in, and talks with them."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from salesos.api import Api
from salesos.data_folder import Running
from tests.browser.hearing import median_likeness
from tests.system.pages.desk import TIMEOUT_MS, hang_up, in_call, is_on, talks, wait_for
from tests.system.pages.prospect import Prospect
from tests.system.pages.sound import PERSON_SAYS, PHONE_HZ, at_phone_rate

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

THE_PERSON = 0.4  # likeness; holes that a busy machine makes take from it
OURS = "+12025550177"
CALLER = "+12025550178"


@pytest.fixture
def queue(running: Running, api: Api) -> Iterator[None]:
    """A number of ours leads to a queue whose one member is the visitor."""
    me = api._crm("GET", "/api/me", "reading oneself")["user_id"]
    body = {"name": "Front desk", "member_ids": [me], "ring_s": 60, "wait_s": 90}
    queue_id = api._crm("POST", "/api/queues", "making the queue", body)["id"]
    route = {"number": OURS, "route": "queue", "queue_id": queue_id}
    number_id = api._crm("POST", "/api/phone-numbers", "routing the number", route)["id"]
    yield
    for path in (f"/api/phone-numbers/{number_id}", f"/api/queues/{queue_id}"):
        httpx.delete(f"{running.crm}{path}", headers=api._headers, trust_env=False).raise_for_status()


def rung(running: Running) -> str:
    """Have somebody call in; return where the carrier tells of the call."""
    order = {"to": OURS, "from": CALLER, "persona": "silent"}
    made: dict[str, Any] = (
        httpx.post(f"{running.carrier}/box/incoming", json=order, trust_env=False).raise_for_status().json()
    )
    return f"{running.carrier}/box/calls/{made['call_sid']}"


def attends(api: Api) -> str:
    return str(api._crm("GET", "/api/availability", "reading who is there")[0]["availability"])


@pytest.mark.usefixtures("queue")
def test_a_caller_rings_and_is_answered_by_a_key(page: Page, running: Running, api: Api) -> None:
    page.goto(f"{running.crm}/phone")
    expect(page.locator("#seat-status")).to_have_text("Callers are not offered to you.", timeout=TIMEOUT_MS)
    page.keyboard.press("r")
    is_on(page, "ready")
    # The switch stays as it was when the page is loaded again.
    page.reload()
    expect(page.locator("#seat-status")).to_have_text("Callers are offered to you.", timeout=TIMEOUT_MS)
    is_on(page, "ready")

    rung(running)
    expect(page.locator("#offer")).to_contain_text("for Front desk", timeout=TIMEOUT_MS)
    page.keyboard.press("d")
    expect(page.locator("#offer")).to_be_hidden(timeout=TIMEOUT_MS)
    newest = api.newest_calls()[0]
    assert newest["direction"] == "inbound"
    api._crm("POST", f"/api/calls/{newest['call_id']}/hangup", "hanging up")

    url = rung(running)
    expect(page.locator("#offer")).to_be_visible(timeout=TIMEOUT_MS)
    page.keyboard.press("a")
    in_call(page)
    talks(page, "a colleague talks")
    wait_for(page, lambda: attends(api) == "busy", "the CRM shows that one is in a call")
    caller = Prospect("", url)
    # It is the person and no music; how well people are heard is test_rep's to measure.
    said = at_phone_rate(PERSON_SAYS)
    wait_for(
        page, lambda: median_likeness(caller.hears(page), said, PHONE_HZ) > THE_PERSON, "the caller hears the person"
    )
    hang_up(page)
    page.keyboard.press("r")
    is_on(page, "ready", on=False)
