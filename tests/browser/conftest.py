"""Chromium with the pages' scripts and nothing else: no server answers."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route

from tests.chromium import open_chromium, watch_faults

ORIGIN = "http://localhost"  # where browsers trust pages without TLS


@pytest.fixture(scope="module")
def scripts(tool: Callable[[str], str], repository: Path) -> Iterator[Page]:
    """A page that can import the scripts of /static."""
    static = repository / "crm" / "pages" / "static"

    def serve(route: Route) -> None:
        path = route.request.url.removeprefix(f"{ORIGIN}/static/")
        if path == route.request.url:
            route.fulfill(body="<!doctype html><title>scripts</title>", content_type="text/html")
        else:
            route.fulfill(path=static / path)

    with open_chromium(tool("chromium")) as browser:
        page = browser.new_page()
        faults = watch_faults(page)
        page.route(f"{ORIGIN}/**", serve)
        page.goto(f"{ORIGIN}/")
        yield page
        assert faults == []
