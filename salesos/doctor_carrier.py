"""`salesos doctor --carrier`: account, public address, signature and number, asked of the real services.

It places no call and costs nothing. The voice process must run, for its public address is part of the question.
"""

import uuid
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

import httpx
import requests
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.sync.client import connect

from config.settings import LOOPBACK_HOSTS, Settings
from salesos.finding import Finding, Level

TIMEOUT_S: Final = 15.0
FORBIDDEN: Final = 403
NOT_FOUND: Final = 404
UNAUTHORIZED: Final = 401
SERVER_ERROR: Final = 500
SIGNATURE_HEADER: Final = "X-Twilio-Signature"
KEYS_REMEDY: Final = (
    "set SALESOS_TWILIO_ACCOUNT_SID and SALESOS_TWILIO_AUTH_TOKEN to the values of the carrier's console"
)


def check_carrier(settings: Settings) -> Iterator[Finding]:
    """Go from the account outwards; later checks are left out where an earlier one makes them pointless."""
    if settings.uses_box_carrier:
        yield Finding.hint(
            "carrier", "the one in the box", "set SALESOS_CARRIER_URL=https://api.twilio.com for a real one"
        )
    client = client_of(settings)
    account = check_account(client, settings)
    yield account
    if not account.remedy:
        yield check_number(client, settings)
    reached = check_public_address(settings)
    yield reached
    if not reached.remedy or reached.level is Level.HINT:
        yield check_webhook_signature(settings)
        yield check_stream_address(settings)


def client_of(settings: Settings) -> Client:
    """Return the vendor's own client for the account in the settings."""
    client = Client(settings.account_sid, settings.auth_token, http_client=TwilioHttpClient(timeout=TIMEOUT_S))
    # Read by the SDK at each request; an edge or region must never be set beside it.
    client.api.base_url = settings.carrier_address
    return client


def check_account(client: Client, settings: Settings) -> Finding:
    try:
        status, kind = _account_state(client, settings)
        client.calls.list(limit=1)
    except (TwilioException, requests.RequestException) as error:
        if _status_of(error) == UNAUTHORIZED:
            return Finding.fault("carrier account", "refuses the credentials (20003)", KEYS_REMEDY)
        if isinstance(error, TwilioRestException):
            return Finding.fault(
                "carrier account", f"answers {error.status} ({error.code})", "see the carrier's console"
            )
        return Finding.fault(
            "carrier account",
            f"{settings.carrier_address} does not answer ({type(error).__name__})",
            "check SALESOS_CARRIER_URL and this machine's way to the internet",
        )
    if status not in ("active", ""):
        return Finding.fault("carrier account", f"is {status}", "activate it in the carrier's console")
    if kind == "Trial":
        return Finding.hint(
            "carrier account", "is a trial", "it calls verified numbers only: upgrade it to call others"
        )
    return Finding.ok("carrier account", f"…{settings.account_sid[-4:]} {status}".strip())


def _status_of(error: Exception) -> int:
    """Return the HTTP status of a refusal; 0 when there was no answer."""
    if isinstance(error, TwilioRestException):
        return int(error.status)
    # Lists raise the plain exception, with the status in its text only.
    return UNAUTHORIZED if f"HTTP {UNAUTHORIZED}" in str(error) else 0


def _account_state(client: Client, settings: Settings) -> tuple[str, str]:
    """Return status and type; empty when this carrier does not tell."""
    try:
        account = client.api.v2010.accounts(settings.account_sid).fetch()
    except TwilioRestException as error:
        if error.status == NOT_FOUND:
            return "", ""
        raise
    return str(account.status or ""), str(account.type or "")


def check_number(client: Client, settings: Settings) -> Finding:
    number = settings.from_number
    remedy = "buy or verify it in the carrier's console, or set SALESOS_FROM_NUMBER to one that you have"
    try:
        if client.incoming_phone_numbers.list(phone_number=number, limit=1):
            return Finding.ok("caller number", f"{number} belongs to the account")
        if client.outgoing_caller_ids.list(phone_number=number, limit=1):
            return Finding.ok("caller number", f"{number} is a verified caller id")
    except TwilioRestException as error:
        if error.status == NOT_FOUND:
            return Finding.hint("caller number", f"{number} not checked", "this carrier does not list its numbers")
        return Finding.fault("caller number", f"the carrier answers {error.status} ({error.code})", remedy)
    except (TwilioException, requests.RequestException) as error:
        return Finding.fault("caller number", f"not checked ({type(error).__name__})", "try again")
    return Finding.fault("caller number", f"{number} is not the account's", remedy)


def check_public_address(settings: Settings) -> Finding:
    address = settings.public_address
    parts = urlsplit(address)
    if parts.hostname in LOOPBACK_HOSTS and not settings.uses_box_carrier:
        return Finding.fault(
            "public address",
            f"{address} is this machine's own: the carrier cannot reach it",
            "set SALESOS_PUBLIC_URL to the https:// address of a tunnel or proxy that leads to the voice port",
        )
    if parts.scheme != "https" and not settings.uses_box_carrier:
        return Finding.fault(
            "public address", f"{address} is not https", "set SALESOS_PUBLIC_URL to an https:// address"
        )
    try:
        response = httpx.get(f"{address}/health/live", timeout=TIMEOUT_S, follow_redirects=False)
    except httpx.HTTPError as error:
        return Finding.fault(
            "public address",
            f"{address} does not answer ({type(error).__name__})",
            f"start `salesos up`, and see that the address leads to port {settings.voice_port}",
        )
    if response.status_code != httpx.codes.OK:
        return Finding.fault(
            "public address",
            f"{address}/health/live answers {response.status_code}",
            f"see that the address leads to port {settings.voice_port}, without a sign-in or warning page between",
        )
    return Finding.ok("public address", f"{address} leads to the voice process")


def check_webhook_signature(settings: Settings) -> Finding:
    """A signed callback must come through, a forged one must not."""
    call_id = uuid.uuid4()
    url = f"{settings.public_address}/n/{settings.node}/twilio/status/{call_id}"
    form = {"CallSid": f"CA{call_id.hex}", "AccountSid": settings.account_sid, "CallStatus": "initiated"}
    signature = RequestValidator(settings.auth_token).compute_signature(url, form)
    try:
        signed = httpx.post(url, data=form, headers={SIGNATURE_HEADER: signature}, timeout=TIMEOUT_S).status_code
        forged = httpx.post(url, data=form, headers={SIGNATURE_HEADER: "forged"}, timeout=TIMEOUT_S).status_code
    except httpx.HTTPError as error:
        return Finding.fault("webhook signature", f"no answer ({type(error).__name__})", "is the voice process up?")
    return _judge("webhook signature", signed, forged)


def check_stream_address(settings: Settings) -> Finding:
    """The way to us must let WebSockets through; a stream of no call of ours is refused as a forged one is."""
    url = f"{settings.public_address}/n/{settings.node}/twilio/stream/{uuid.uuid4()}".replace("http", "ws", 1)
    signature = RequestValidator(settings.auth_token).compute_signature(url, {})
    headers = {SIGNATURE_HEADER: signature}
    try:
        with connect(url, additional_headers=headers, open_timeout=TIMEOUT_S, close_timeout=TIMEOUT_S, proxy=None):
            return Finding.fault("stream", "a stream of no call was accepted", "does the address lead to Sales OS?")
    except InvalidStatus as error:
        if error.response.status_code == FORBIDDEN:
            return Finding.ok("stream", f"WebSockets reach the voice process ({urlsplit(url).scheme})")
        fault = f"the handshake gets {error.response.status_code}"
    except (OSError, TimeoutError, WebSocketException) as error:
        fault = f"no handshake ({type(error).__name__})"
    return Finding.fault("stream", fault, "let the proxy or tunnel pass WebSockets (headers Upgrade and Connection)")


def _judge(name: str, signed: int, forged: int) -> Finding:
    if forged != FORBIDDEN:
        return Finding.fault(
            name, f"a forged request gets {forged} instead of 403", "set SALESOS_CHECK_SIGNATURES=true and restart"
        )
    if signed == FORBIDDEN:
        return Finding.fault(
            name,
            "a signed request is refused",
            "SALESOS_PUBLIC_URL must be letter for letter what the carrier is given, and the auth token the account's",
        )
    if signed >= SERVER_ERROR:
        return Finding.fault(name, f"a signed request gets {signed}", "look at the voice process's log")
    return Finding.ok(name, "signed requests come through, forged ones are refused")
