"""The one running system's pages, in one Chromium whose microphone says something over and over."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from salesos.api import Api
from salesos.data_folder import Running
from tests.chromium import open_chromium, watch_faults
from tests.system.pages.prospect import Prospect, agent_has_spoken, prospect_of
from tests.system.pages.sound import BROWSER_HZ, PERSON_SAYS, PHONE_HZ, PROSPECT_SAYS, write_wav
from tests.system.pages.visits import visit
from tests.system.test_page import sign_in

NAME = "Paula Prospect"
_NUMBERS = itertools.count(12125559000)


@pytest.fixture(scope="package")
def chromium(tool: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    microphone = write_wav(tmp_path_factory.mktemp("microphone") / "person.wav", PERSON_SAYS, BROWSER_HZ)
    with open_chromium(tool("chromium"), microphone) as browser:
        yield browser


@pytest.fixture(scope="package")
def signed_in(chromium: Browser, running: Running) -> Iterator[BrowserContext]:
    context = visit(chromium)
    page = context.new_page()
    sign_in(page, running)
    page.close()
    yield context
    context.close()


@pytest.fixture
def page(signed_in: BrowserContext) -> Iterator[Page]:
    """A tab of the visitor's; a fault of the page's own script or policy fails the test."""
    page = signed_in.new_page()
    faults = watch_faults(page)
    yield page
    page.close()
    assert faults == []


@pytest.fixture(scope="package")
def prospect_wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("prospect") / "prospect.wav", PROSPECT_SAYS, PHONE_HZ)


@pytest.fixture
def number() -> str:
    """A telephone number that nobody else has."""
    return f"+{next(_NUMBERS)}"


@pytest.fixture
def prospect(running: Running, api: Api, prospect_wav: Path, number: str) -> Prospect:
    """Somebody whom the agent has greeted, and who makes a sound that goes on and on."""
    api.box.assign_line(number, "caller_wav", prospect_wav)
    call_id = str(api.place_call({"lead_id": api.create_lead(NAME, number)})["call_id"])
    return prospect_of(call_id, api, running, agent_has_spoken)
