"""What goes wrong for a person in a call, in a real browser: each is said in a sentence that names the remedy."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from salesos.api import Api
from salesos.data_folder import Running
from tests.chromium import launch, watch_faults
from tests.system.pages.desk import TIMEOUT_MS, dial_by_keys, hang_up, in_call, open_call, talks, wait_for
from tests.system.pages.prospect import Prospect, is_answered, prospect_of
from tests.system.pages.sound import BY_VOICE, PERSON_SAYS, PROSPECT_SAYS, assert_alike, at_phone_rate, record
from tests.system.pages.udp_relay import open_relay
from tests.system.pages.visits import visit

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

PERSON = at_phone_rate(PERSON_SAYS)
# What browsers do with the track of a device that is gone.
PULL_OUT = """(() => {
  const { track } = desk.session.microphone;
  track.stop();
  track.dispatchEvent(new Event("ended"));
})()"""
SENDER = "desk.session.voice.peer.getSenders()[0]"


@pytest.fixture(scope="module")
def talking(signed_in: BrowserContext, running: Running, prospect_wav: Path) -> Iterator[tuple[Page, Prospect]]:
    """A rep's page in a call that they have placed, and whom they talk with."""
    number = "+12125558100"
    page = signed_in.new_page()
    faults = watch_faults(page)
    with Api(running.crm, running.carrier) as api:
        api.sign_in(running.email, running.password)
        api.box.assign_line(number, "talks_on", prospect_wav)
        api.create_lead("Trudy Trouble", number)
        call_id = dial_by_keys(page, running, "Trudy")
        talks(page, "a colleague talks")
        yield page, prospect_of(call_id, api, running, is_answered)
    hang_up(page)
    page.close()
    assert faults == []


def sound_says(page: Page, text: str) -> None:
    expect(page.locator("#sound")).to_contain_text(text, timeout=TIMEOUT_MS)


def test_a_microphone_that_is_pulled_out_gives_way_to_another(talking: tuple[Page, Prospect]) -> None:
    page, prospect = talking
    page.evaluate(PULL_OUT)
    sound_says(page, "you talk by another one now")
    page.wait_for_timeout(500)
    assert_alike(lambda: prospect.hears(page), PERSON)
    page.select_option("#microphones", index=1)
    expect(page.locator("#sound")).to_be_empty(timeout=TIMEOUT_MS)


def test_who_sends_nothing_is_told_so(talking: tuple[Page, Prospect]) -> None:
    page, _ = talking
    page.evaluate(f"window.spoken = {SENDER}.track; {SENDER}.replaceTrack(null)")
    sound_says(page, "Nothing comes from your microphone: check that it is plugged in and allowed.")
    page.evaluate(f"{SENDER}.replaceTrack(window.spoken)")
    expect(page.locator("#sound")).to_be_empty(timeout=TIMEOUT_MS)


def test_who_hears_nothing_is_told_so_and_heard_again_when_the_network_is_back(talking: tuple[Page, Prospect]) -> None:
    """Sound is carried one way only, from the browser to the call."""
    page, _ = talking
    with open_relay() as relay:
        relay.detour(page)
        page.evaluate("void (window.former = desk.session.voice.peer, dispatchEvent(new Event('online')))")

        def stands() -> bool:
            relay.learn(page)
            return bool(page.evaluate("desk.session.voice.peer !== window.former && desk.session.voice.stands"))

        wait_for(page, stands, "a connection by the relay")
        page.wait_for_timeout(3_500)  # its packets are counted each three seconds
        relay.down = False
        sound_says(page, "Nothing of the call arrives here: check the network.")
        relay.down = True
        expect(page.locator("#sound")).to_be_empty(timeout=TIMEOUT_MS)
        talks(page, "a colleague talks")
        page.wait_for_timeout(500)
        assert_alike(lambda: record(page, BY_VOICE), PROSPECT_SAYS)
        relay.leave(page)


def test_another_network_is_another_way_to_the_same_seat(talking: tuple[Page, Prospect]) -> None:
    page, prospect = talking
    page.evaluate("void (window.former = desk.session.voice.peer)")
    page.context.set_offline(True)
    page.context.set_offline(False)
    wait_for(page, lambda: bool(page.evaluate("desk.session.voice.peer !== window.former")), "another peer connection")
    in_call(page)
    expect(page.locator("#sound")).to_be_empty(timeout=TIMEOUT_MS)
    talks(page, "a colleague talks")
    page.wait_for_timeout(1_000)
    assert_alike(lambda: prospect.hears(page), PERSON)
    assert_alike(lambda: record(page, BY_VOICE), PROSPECT_SAYS)


def test_of_two_tabs_the_first_is_told(talking: tuple[Page, Prospect], page: Page, running: Running) -> None:
    first, prospect = talking
    open_call(page, running, "/phone", prospect.call_id)
    expect(first.locator("#connection")).to_contain_text("You have opened this call in another tab", timeout=TIMEOUT_MS)
    open_call(first, running, "/phone", prospect.call_id)
    expect(page.locator("#connection")).to_contain_text("You have opened this call in another tab", timeout=TIMEOUT_MS)


def test_a_ticket_that_is_stale_is_asked_for_anew_and_one_that_stays_so_is_explained(
    talking: tuple[Page, Prospect], page: Page, running: Running
) -> None:
    _, prospect = talking
    asked: list[int] = []

    def alter(route: Route, always: bool) -> None:
        answer = route.fetch()
        asked.append(answer.status)
        told = answer.json()
        if always or len(asked) == 1:
            told["data"]["ticket"] = told["data"]["ticket"][:-8] + "AAAAAAAA"
        route.fulfill(status=answer.status, body=json.dumps(told), content_type="application/json")

    page.route("**/people/calls/*/ticket", lambda route: alter(route, always=True))
    page.goto(f"{running.crm}/phone?call={prospect.call_id}")
    expect(page.locator("#fault")).to_contain_text(
        "The ticket is not good here, or its minute is over", timeout=TIMEOUT_MS
    )
    assert asked == [201, 201]
    page.unroute("**/people/calls/*/ticket")
    asked.clear()
    page.route("**/people/calls/*/ticket", lambda route: alter(route, always=False))
    page.goto(f"{running.crm}/live?call={prospect.call_id}")
    in_call(page)
    assert asked == [201, 201]


@pytest.mark.parametrize("plugged_in", [True, False])
def test_who_cannot_be_heard_rings_nobodys_telephone_and_is_told_why(
    plugged_in: bool,
    chromium: Browser,
    tool: Callable[[str], str],
    signed_in: BrowserContext,
    running: Running,
    api: Api,
    number: str,
) -> None:
    """The microphone is refused by the person's browser, or there is none."""
    api.create_lead("Rita Refused", number)
    browser = chromium if plugged_in else launch(chromium.browser_type, tool("chromium"))
    allowed = [] if plugged_in else ["microphone"]
    context = visit(browser, storage_state=signed_in.storage_state(), permissions=allowed)
    page = context.new_page()
    page.goto(f"{running.crm}/phone")
    page.fill("#dial-query", "Rita")
    page.locator("#dial button").filter(has_text="Rita").first.click()
    why = (
        "does not let this page use a microphone: allow it beside"
        if plugged_in
        else "There is no microphone: plug one in"
    )
    expect(page.locator("#dial-fault")).to_contain_text(why, timeout=TIMEOUT_MS)
    expect(page.locator("#panel")).to_be_hidden()
    context.close()
    if not plugged_in:
        browser.close()
