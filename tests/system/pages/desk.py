"""What a person does on the pages /phone and /live, and what they wait for there."""

import time
from collections.abc import Callable
from typing import Final

from playwright.sync_api import Dialog, Page, expect

from salesos.data_folder import Running

TIMEOUT_MS: Final = 20_000


def open_call(page: Page, running: Running, path: str, call_id: str) -> None:
    """Go to a call by keyboard, from the list of live ones."""
    page.goto(f"{running.crm}{path}")
    page.locator(f"#calls tr[data-call='{call_id}']").get_by_role("button").focus()
    page.keyboard.press("Enter")
    in_call(page)


def dial_by_keys(page: Page, running: Running, name: str) -> str:
    """Call a lead from /phone without a mouse; return the call's id."""
    page.goto(f"{running.crm}/phone")
    page.keyboard.press("/")
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    expect(page.locator("#dial button:focus")).to_contain_text(name, timeout=TIMEOUT_MS)
    with page.expect_response("**/dial") as answered:
        page.keyboard.press("Enter")
    assert answered.value.status == 201, answered.value.text()
    return str(answered.value.json()["data"]["call_id"])


def in_call(page: Page) -> None:
    expect(page.locator("#panel")).to_have_attribute("data-connection", "in", timeout=TIMEOUT_MS)


def talks(page: Page, who: str) -> None:
    """Wait until the page says who has the word: "the agent talks", "a colleague talks", "on hold"."""
    expect(page.locator("#word")).to_have_text(who, timeout=TIMEOUT_MS)


def is_on(page: Page, button: str, on: bool = True) -> None:
    """Wait until a button is confirmed to be on, or off."""
    found = page.locator(f"#{button}:not([aria-busy])")
    expect(found).to_have_attribute("aria-pressed", str(on).lower(), timeout=TIMEOUT_MS)


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


def wait_for(page: Page, reached: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + TIMEOUT_MS / 1_000
    while not reached():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        page.wait_for_timeout(200)
