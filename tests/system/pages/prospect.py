"""Who is at the other end of a call, as the carrier in a box knows it: what came to their ear, and which keys."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import httpx
from playwright.sync_api import Page

from media.codec.g711 import Samples
from salesos.api import Api
from salesos.data_folder import Running
from tests.system.pages.sound import PHONE_HZ, SECONDS, read_wav

WAIT_S: Final = 20.0


@dataclass(frozen=True, slots=True)
class Prospect:
    call_id: str
    url: str  # of the carrier's account of the call

    def heard(self) -> Samples:
        """Return all that came to the prospect's ear so far, 8 kHz."""
        return read_wav(httpx.get(f"{self.url}/heard.wav", timeout=10, trust_env=False).raise_for_status().content)

    def hears(self, page: Page, seconds: float = SECONDS) -> Samples:
        """Return what comes to the prospect's ear from now on."""
        page.wait_for_timeout(seconds * 1_000 + 300)
        return self.heard()[-round(seconds * PHONE_HZ) :]

    @property
    def truth(self) -> dict[str, Any]:
        answer: dict[str, Any] = httpx.get(self.url, timeout=10, trust_env=False).raise_for_status().json()
        return answer

    @property
    def keys(self) -> str:
        """What was pressed, as a telephone understands tones."""
        return str(self.truth["keys_heard"])


def prospect_of(call_id: str, api: Api, running: Running, ready: Callable[[dict[str, Any]], bool]) -> Prospect:
    """Wait until the call is as it is to be, and return who is at its other end."""
    deadline = time.monotonic() + WAIT_S
    while True:
        call = api.call(call_id)
        if call["carrier_call_id"] and ready(call):
            return Prospect(call_id, f"{running.carrier}/box/calls/{call['carrier_call_id']}")
        assert time.monotonic() < deadline, f"the call is {call['state']}"
        time.sleep(0.2)


def agent_has_spoken(call: dict[str, Any]) -> bool:
    return any(turn["speaker"] == "agent" for turn in call["turns"])


def is_answered(call: dict[str, Any]) -> bool:
    return bool(call["state"] in ("listening", "speaking"))
