"""The HTTP side of a running system, as the bench uses it: the CRM's public API and the box's own account of calls."""

import contextlib
from collections.abc import AsyncGenerator, Iterator, Mapping
from itertools import product
from typing import Any, Final, Self
from uuid import uuid4

import httpx

TIMEOUT_S: Final = 15.0
PAGE: Final = 100
EXPIRED: Final = 401
# Reserved for fiction: 555 0100 to 0199 of each area code. Not 202, whose numbers the personas have.
_AREA_CODES: Final = (305, 312, 404, 415, 503, 512, 602, 617, 702, 713, 801, 804, 813, 901, 916)


class SystemRefused(Exception):
    """The system did not answer, or not as it should; says what was asked."""


def fictional_numbers() -> Iterator[str]:
    """Yield telephone numbers that belong to nobody, each once (E.164)."""
    for code, line in product(_AREA_CODES, range(100)):
        yield f"+1{code}55501{line:02d}"


class SystemApi:
    """Signed-in access to one system."""

    def __init__(self, crm: httpx.AsyncClient, box: httpx.AsyncClient) -> None:
        self._crm = crm
        self._box = box

    @classmethod
    @contextlib.asynccontextmanager
    async def signed_in(cls, crm_url: str, box_url: str, email: str, password: str) -> AsyncGenerator[Self]:
        """Raises SystemRefused."""
        # Proxies from the environment are for the world outside.
        async with (
            httpx.AsyncClient(base_url=crm_url, timeout=TIMEOUT_S, trust_env=False) as crm,
            httpx.AsyncClient(base_url=box_url, timeout=TIMEOUT_S, trust_env=False) as box,
        ):
            api = cls(crm, box)
            api._keep(await api._ask(crm, "POST", "/api/sessions", {"email": email, "password": password}))
            yield api

    async def seat(self, number: str, persona: str) -> str:
        """Make a lead whom `persona` answers for; return its id."""
        await self._ask(self._box, "POST", "/box/lines", {"number": number, "persona": persona})
        lead = await self._data("POST", "/api/leads", {"name": f"{persona} example", "phone": number})
        return str(lead["id"])

    async def make_agent(self, body: Mapping[str, Any]) -> str:
        """Make an agent, as /api/agents takes it; return its id."""
        return str((await self._data("POST", "/api/agents", dict(body)))["id"])

    async def place(self, lead_id: str) -> str:
        """Ask for a call and return its id."""
        answer = await self._data("POST", "/api/calls", {"lead_id": lead_id}, {"Idempotency-Key": str(uuid4())})
        return str(answer["call_id"])

    async def hang_up(self, call_id: str) -> None:
        await self._data("POST", f"/api/calls/{call_id}/hangup")

    async def calls(self) -> list[dict[str, Any]]:
        """Return the headlines of the newest calls."""
        return list(await self._data("GET", f"/api/calls?limit={PAGE}"))

    async def call(self, call_id: str) -> dict[str, Any]:
        return dict(await self._data("GET", f"/api/calls/{call_id}"))

    async def recording(self, call_id: str) -> bytes:
        """Return a call's recording as the CRM serves it to a listener: decrypted, WAV or Ogg."""
        link = (await self._data("GET", f"/api/calls/{call_id}/recording"))["url"]
        try:
            reply = await self._crm.get(link)
        except httpx.HTTPError as error:
            raise SystemRefused(f"GET the recording of {call_id}: {type(error).__name__}") from None
        if reply.is_error:
            raise SystemRefused(f"GET the recording of {call_id}: status {reply.status_code}")
        return reply.content

    async def events(self, call_id: str) -> list[dict[str, Any]]:
        """Return all events that the CRM has taken of a call."""
        found: list[dict[str, Any]] = []
        after = "0:0"
        while True:
            page = await self._data("GET", f"/api/calls/{call_id}/events?after={after}")
            if not page["events"]:
                return found
            found += page["events"]
            after = page["next"]

    async def transactions(self, call_id: str) -> list[dict[str, Any]]:
        """Return what was posted in the ledger for a call."""
        return list((await self._data("GET", f"/api/ledger?call_id={call_id}&limit=200"))["transactions"])

    async def carrier_calls(self) -> dict[str, str]:
        """Return the carrier's calls: the number called, and the carrier's id."""
        return {str(call["to"]): str(call["call_sid"]) for call in await self._ask(self._box, "GET", "/box/calls")}

    async def carrier_account(self, sid: str) -> dict[str, Any]:
        return dict(await self._ask(self._box, "GET", f"/box/calls/{sid}"))

    async def carrier_sound(self, sid: str, side: str) -> bytes:
        """Return what the carrier recorded of one side ("heard", "said"): a WAV; empty when nobody answered."""
        try:
            reply = await self._box.get(f"/box/calls/{sid}/{side}.wav")
        except httpx.HTTPError as error:
            raise SystemRefused(f"GET {side}.wav: {type(error).__name__}") from None
        return reply.content if reply.is_success else b""

    def _keep(self, answer: Mapping[str, Any]) -> None:
        self._crm.headers["authorization"] = f"Bearer {answer['data']['token']}"

    async def _data(
        self, method: str, path: str, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> Any:
        return (await self._ask(self._crm, method, path, body, headers))["data"]

    async def _ask(
        self,
        client: httpx.AsyncClient,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        what = f"{method} {path.partition('?')[0]}"
        try:
            reply = await client.request(method, path, json=body, headers=headers)
            if reply.status_code == EXPIRED and client is self._crm and "authorization" in client.headers:
                # Tokens last ten minutes; the cookie of the session gets another one.
                self._keep((await client.post("/api/sessions/refresh")).raise_for_status().json())
                reply = await client.request(method, path, json=body, headers=headers)
            answer = reply.json() if reply.content else {}
        except (httpx.HTTPError, ValueError) as error:
            raise SystemRefused(f"{what}: {type(error).__name__}") from None
        if reply.is_error:
            raise SystemRefused(f"{what}: status {reply.status_code} {answer.get('code', '')}")
        return answer
