"""The running system's HTTP side, as the command line uses it: the CRM's API and the box's lines."""

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx

ANSWER_TIMEOUT_S: Final = 15.0
LEADS_PER_PAGE: Final = 100
LEAD_PAGES_MAX: Final = 50
FIRST_EVENT: Final = "0:0"


class ApiRefused(Exception):
    """The system said no. `code` is its machine-readable reason."""

    def __init__(self, what: str, code: str, message: str) -> None:
        super().__init__(f"{what}: {message}" + (f" ({code})" if code and code not in message else ""))
        self.code = code


class ApiUnreachable(Exception):
    """The system did not answer."""


@dataclass(frozen=True, slots=True)
class EventPage:
    events: list[dict[str, Any]]
    next_mark: str  # for the next question
    closed: bool  # nothing will follow


class Api:
    """Signed-in access to one running system. A context manager."""

    def __init__(self, crm_url: str, carrier_url: str) -> None:
        # Proxies from the environment are for the world outside.
        self._http = httpx.Client(timeout=ANSWER_TIMEOUT_S, trust_env=False)
        self.crm_url = crm_url
        self.box = Box(self._http, carrier_url)
        self._headers: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def sign_in(self, email: str, password: str) -> None:
        credentials = {"email": email, "password": password}
        self._keep(_ask(self._http, "POST", f"{self.crm_url}/api/sessions", "signing in", credentials, {}))

    def place_call(self, target: dict[str, str]) -> dict[str, Any]:
        """Ask for a call to `{"lead_id": …}` or `{"to": …}`; return the CRM's answer.

        Raises:
            ApiRefused: the gate, the purse, or the voice node said no.
        """
        # A repeated request after a lost answer must not dial twice.
        key = {"Idempotency-Key": str(uuid.uuid4())}
        return dict(self._crm("POST", "/api/calls", "placing the call", target, key))

    def call(self, call_id: str) -> dict[str, Any]:
        return dict(self._crm("GET", f"/api/calls/{call_id}", "reading the call"))

    def events(self, call_id: str, after: str) -> EventPage:
        """Return the call's events after the mark `after` ("0:0": from the first)."""
        data = self._crm("GET", f"/api/calls/{call_id}/events?after={after}", "reading the call's events")
        return EventPage(list(data["events"]), str(data["next"]), bool(data["closed"]))

    def find_agent(self, name: str) -> str | None:
        """Return the id of the active agent of that name, or with that id; None without one."""
        agents = self._crm("GET", f"/api/agents?limit={LEADS_PER_PAGE}", "reading the agents")
        known = (agent for agent in agents if agent["active"])
        return next((str(agent["id"]) for agent in known if name in (agent["name"], str(agent["id"]))), None)

    def create_agent(self, fields: dict[str, str]) -> str:
        """Make an agent and return its id."""
        return str(self._crm("POST", "/api/agents", "making the agent", dict(fields))["id"])

    def create_lead(self, name: str, phone: str) -> str:
        """Make a lead and return its id."""
        lead = self._crm("POST", "/api/leads", "making the lead", {"name": name, "phone": phone})
        return str(lead["id"])

    def lead(self, lead_id: str) -> dict[str, Any]:
        return dict(self._crm("GET", f"/api/leads/{lead_id}", "reading the lead"))

    def ledger(self) -> dict[str, Any]:
        return dict(self._crm("GET", "/api/ledger", "reading the ledger"))

    def as_operator(
        self, internal_key: str, method: str, path: str, what: str, body: dict[str, Any] | None = None
    ) -> Any:
        """Ask for what is no organisation's, such as `/internal/usage`, with the key that our own processes share."""
        headers = {"Authorization": f"Bearer {internal_key}"}
        if body is not None:
            headers["Idempotency-Key"] = str(uuid.uuid4())
        return self._crm(method, path, what, body, headers)

    def used_numbers(self) -> set[str]:
        """Return the telephone numbers of the newest leads."""
        numbers: set[str] = set()
        for page in range(1, LEAD_PAGES_MAX + 1):
            leads = self._crm("GET", f"/api/leads?page={page}&limit={LEADS_PER_PAGE}", "reading the leads")
            numbers.update(str(lead["phone"]) for lead in leads)
            if len(leads) < LEADS_PER_PAGE:
                break
        return numbers

    def newest_calls(self) -> list[dict[str, Any]]:
        return list(self._crm("GET", "/api/calls", "reading the calls"))

    def _crm(
        self,
        method: str,
        path: str,
        what: str,
        body: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        try:
            answer = _ask(self._http, method, f"{self.crm_url}{path}", what, body, self._headers | (headers or {}))
        except ApiRefused as refused:
            if refused.code != "not_signed_in" or not self._headers:
                raise
            # Tokens last ten minutes, calls and waits longer; the cookie of the session gets another one.
            own = {"Origin": self.crm_url}
            self._keep(_ask(self._http, "POST", f"{self.crm_url}/api/sessions/refresh", "staying signed in", None, own))
            answer = _ask(self._http, method, f"{self.crm_url}{path}", what, body, self._headers | (headers or {}))
        return answer["data"]

    def _keep(self, answer: Any) -> None:
        self._headers = {"Authorization": f"Bearer {answer['data']['token']}"}


class Box:
    """The carrier in a box, as whoever tries the system uses it."""

    def __init__(self, http: httpx.Client, url: str) -> None:
        self._http = http
        self._url = url

    def assign_line(self, number: str, persona: str, wav_path: Path | None) -> None:
        """Let a persona answer `number`."""
        line = {"number": number, "persona": persona} | _given(wav_path)
        _ask(self._http, "POST", f"{self._url}/box/lines", "assigning the persona", line, {})

    def ring(self, number: str, to: str, persona: str, wav_path: Path | None) -> None:
        """Have a persona call from `number`; empty `to`: the account's own number."""
        ringing = {"from": number, "to": to, "persona": persona} | _given(wav_path)
        _ask(self._http, "POST", f"{self._url}/box/incoming", "having the persona call", ringing, {})

    def personas(self) -> list[str]:
        """Return the names of who may answer."""
        return sorted(_ask(self._http, "GET", f"{self._url}/box/personas", "reading the personas", None, {}))


def _given(wav_path: Path | None) -> dict[str, str]:
    return {} if wav_path is None else {"wav_path": str(wav_path.absolute())}


def _ask(
    http: httpx.Client, method: str, url: str, what: str, body: dict[str, Any] | None, headers: dict[str, str]
) -> Any:
    try:
        response = http.request(method, url, json=body, headers=headers)
    except httpx.HTTPError as error:
        raise ApiUnreachable(f"{what}: {url} does not answer ({type(error).__name__})") from None
    try:
        answer = response.json() if response.content else {}
    except json.JSONDecodeError:
        answer = {}
    if response.is_error:
        code, message = _reason(answer)
        raise ApiRefused(what, code, message or f"status {response.status_code}")
    return answer


def _reason(answer: Any) -> tuple[str, str]:
    """Return code and message of an error body, whichever of our two servers made it."""
    if not isinstance(answer, dict):
        return "", ""
    words = [str(answer[key]) for key in ("title", "message") if answer.get(key)]
    if answer.get("details"):
        words.append(json.dumps(answer["details"]))
    return str(answer.get("code", "")), " ".join(words)
