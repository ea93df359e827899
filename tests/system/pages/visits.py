"""A visitor's browser: allowed to use the microphone, with the browser's own work on sound switched off."""

from typing import Any

from playwright.sync_api import Browser, BrowserContext


def visit(browser: Browser, **more: Any) -> BrowserContext:
    """Return a visit. `more`: of playwright's new_context, such as the `storage_state` of who has signed in."""
    context = browser.new_context(**({"permissions": ["microphone"]} | more))
    context.add_init_script("localStorage.setItem('salesos.sound', JSON.stringify({ echo: false }))")
    return context
