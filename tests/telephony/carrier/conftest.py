"""A carrier and its customer, both on real sockets of loopback, with people who are quick."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from config.settings import Settings
from telephony.carrier.app import create_app
from telephony.carrier.exchange import Exchange
from tests.telephony.carrier.customer import Customer, customer_server, listening, serving

PEOPLE = {
    "eager": "answer: {rings_s: 0.05}",  # picks up and says nothing for a while
    "talker": """
answer: {rings_s: 0.05}
lines:
  - {say: "Hi.", when: answered, after_ms: 100}
  - {say: "Yes.", after_ms: 200, heard_ms: 60}
""",
    "presser": "{answer: {rings_s: 0.05}, lines: [{press: '1#', when: answered, after_ms: 100}]}",
    "leaver": "{answer: {rings_s: 0.05}, lines: [{hang_up: true, when: answered, after_ms: 100}]}",
    "beeper": "{answer: {rings_s: 0.05}, lines: [{beep_ms: 200, when: answered, after_ms: 100}]}",
    "busy": "answer: {how: busy, rings_s: 0.05}",
    "away": "answer: {how: no_answer, rings_s: 5}",
    "nowhere": "answer: {how: failed, rings_s: 0}",
    "player": "{answer: {rings_s: 0.05}, lines: [{play: given, when: answered, after_ms: 100}]}",
}
FROM = "+12025550100"
TO = "+12025550199"


@dataclass
class Box:
    address: str
    settings: Settings
    exchange: Exchange
    http: httpx.AsyncClient  # speaks to the control API and, with credentials, to the REST API

    async def put(self, persona: str, number: str = TO, **more: Any) -> None:
        order = {"number": number, "persona": persona, **more}
        (await self.http.post("/box/lines", json=order)).raise_for_status()

    async def truth(self, call_sid: str) -> dict[str, Any]:
        response = await self.http.get(f"/box/calls/{call_sid}")
        response.raise_for_status()
        return dict(response.json())

    async def break_something(self, **fault: Any) -> None:
        (await self.http.post("/box/faults", json=fault)).raise_for_status()

    @property
    def calls_path(self) -> str:
        return f"/2010-04-01/Accounts/{self.settings.account_sid}/Calls"

    async def post(self, path: str, form: dict[str, Any]) -> httpx.Response:
        return await self.http.post(path, data=form)

    async def dial(self, customer: Customer, **more: Any) -> str:
        """Place a call to TO that is handled by the customer; return its sid."""
        form = {
            "To": TO,
            "From": FROM,
            "Url": f"{customer.address}/voice",
            "StatusCallback": f"{customer.address}/status",
            "StatusCallbackEvent": ["initiated", "ringing", "answered", "completed"],
            **more,
        }
        response = await self.post(f"{self.calls_path}.json", form)
        assert response.status_code == 201, response.text
        return str(response.json()["sid"])

    async def quiet(self) -> None:
        """Wait until no call is live, its last callback and its recordings included."""
        async with asyncio.timeout(5):
            while self.exchange.live_calls > 0:  # noqa: ASYNC110 - nothing of the product waits for this
                await asyncio.sleep(0.01)

    async def end(self, call_sid: str) -> httpx.Response:
        return await self.post(f"{self.calls_path}/{call_sid}.json", {"Status": "completed"})


@pytest.fixture
async def box(tmp_path: Path) -> AsyncGenerator[Box, None]:
    people = tmp_path / "personas"
    people.mkdir()
    for name, text in PEOPLE.items():
        (people / f"{name}.yaml").write_text(text)
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")
    app = create_app(settings, people)
    with listening() as own:
        address = f"http://127.0.0.1:{own.getsockname()[1]}"
        auth = httpx.BasicAuth(settings.account_sid, settings.auth_token)
        async with serving(app, own), httpx.AsyncClient(base_url=address, auth=auth, trust_env=False) as http:
            yield Box(address, settings, app.state.exchange, http)


@pytest.fixture
async def customer(box: Box) -> AsyncGenerator[Customer, None]:
    async with customer_server(box.settings.auth_token) as customer:
        yield customer
