"""Origins: an exact list, asked before any work."""

from collections.abc import AsyncIterator

import httpx
import pytest

from config.settings import BadSettings, Settings, read_settings
from crm.app import create_app
from crm.resources import Resources
from tests.crm.conftest import Org, token_of
from tests.crm.keys.test_keys import bearer, key_of
from tests.crm.test_api import data, problem

CONSOLE = "https://app.example.com"


@pytest.fixture
async def browser(settings: Settings, resources: Resources) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(settings.model_copy(update={"allowed_origins": (CONSOLE,)}), resources)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://crm.test") as made:
        yield made


async def test_a_listed_page_may_ask_and_read(browser: httpx.AsyncClient, org: Org, settings: Settings) -> None:
    asks = {
        "Origin": CONSOLE,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization",
    }
    preflight = await browser.options("/api/leads", headers=asks)
    assert (preflight.status_code, preflight.headers["access-control-max-age"]) == (204, "86400")
    assert preflight.headers["access-control-allow-origin"] == CONSOLE
    assert "PUT" in preflight.headers["access-control-allow-methods"]
    answer = await browser.get("/api/leads", headers={"Origin": CONSOLE, **bearer(token_of(org, settings))})
    data(answer)
    assert answer.headers["access-control-allow-origin"] == CONSOLE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert "Origin" in answer.headers["vary"]
    refused = await browser.get("/api/leads", headers={"Origin": CONSOLE})
    problem(refused, 401, "not_signed_in")
    assert refused.headers["access-control-allow-origin"] == CONSOLE, "a page reads why it was refused"


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", "http://app.example.com", f"{CONSOLE}.evil.com", f"{CONSOLE}:8443", "null", "", "*"],
)
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
async def test_any_other_page_is_refused_before_any_work(origin: str, method: str, browser: httpx.AsyncClient) -> None:
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = await browser.request(method, "/api/sessions", headers=headers)
    problem(answer, 403, "origin_not_allowed")
    assert "access-control-allow-origin" not in answer.headers


async def test_our_own_pages_and_programs_are_served(browser: httpx.AsyncClient) -> None:
    assert (await browser.get("/sign-in", headers={"Origin": "http://crm.test"})).status_code == 200
    answer = await browser.get("/sign-in")
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


async def test_what_proves_itself_otherwise_is_not_asked(browser: httpx.AsyncClient, api: httpx.AsyncClient) -> None:
    elsewhere = {"Origin": "https://evil.example.com"}
    key = (await key_of(api, "leads:read"))["key"]
    data(await browser.get("/api/leads", headers=elsewhere | bearer(key)))
    assert (await browser.get("/health/live", headers=elsewhere)).status_code == 200
    problem(await browser.get("/recordings/x", headers=elsewhere), 404, "recording_not_found")


@pytest.mark.parametrize("origins", ['["*"]', '["https://*.example.com"]', '["https://app.example.com/"]', '["app"]'])
def test_patterns_and_paths_are_no_origins(origins: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESOS_ALLOWED_ORIGINS", origins)
    with pytest.raises(BadSettings, match="SALESOS_ALLOWED_ORIGINS"):
        read_settings()


async def test_a_session_alone_changes_nothing_without_an_origin(
    browser: httpx.AsyncClient, org: Org, settings: Settings
) -> None:
    own = {"Origin": "http://crm.test"}
    credentials = {"email": org.email, "password": org.password}
    data(await browser.post("/api/sessions", json=credentials), 201)
    kept = dict(browser.cookies)
    problem(await browser.post("/api/sessions/refresh"), 403, "origin_not_allowed")
    assert dict(browser.cookies) == kept, "nothing was exchanged"
    data(await browser.post("/api/sessions/refresh", headers=own))
    assert (await browser.post("/sign-in", data=credentials)).status_code == 403
    assert (await browser.post("/sign-in", data=credentials, headers=own)).status_code == 303
    for path in ("/sign-out", "/call"):
        problem(await browser.post(path), 403, "origin_not_allowed")
    assert (await browser.get("/")).status_code == 200, "who only looks changes nothing"
    # A token is shown by no browser of its own accord.
    data(await browser.get("/api/leads", headers=bearer(token_of(org, settings))))
    lead = {"name": "Ana"}
    data(await browser.post("/api/leads", json=lead, headers=bearer(token_of(org, settings))), 201)
