"""Signed requests from the carrier to the customer's addresses, with the vendor's time-outs and retries.

A fragment such as `#rc=2&rp=all` on an address changes the policy; it is neither sent nor signed.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urldefrag, urlencode
from uuid import uuid4

import httpx

from telephony.carrier.signature import HEADER, sign

CONNECT_TIMEOUT_MS: Final = 5_000
READ_TIMEOUT_MS: Final = 15_000
RETRIES_DEFAULT: Final = 1  # of failed connections only, by default
RETRIES_MAX: Final = 5
RETRY_PAUSE_S: Final = 0.2
BODY_BYTES_MAX: Final = 64 * 1024
USER_AGENT: Final = "TwilioProxy/1.1"

Form = Sequence[tuple[str, str]]


class WebhookFailed(Exception):
    """No usable answer after all tries."""


@dataclass(frozen=True, slots=True)
class Policy:
    retries: int = RETRIES_DEFAULT
    on: frozenset[str] = frozenset({"ct"})  # ct: no connection, rt: no answer in time, 4xx, 5xx, all
    connect_timeout_s: float = CONNECT_TIMEOUT_MS / 1000
    read_timeout_s: float = READ_TIMEOUT_MS / 1000

    def retries_on(self, kind: str) -> bool:
        return kind in self.on or "all" in self.on


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes


def policy_of(url: str) -> tuple[str, Policy]:
    """Return the address without its fragment, and the policy in it. What makes no sense there is ignored."""
    address, fragment = urldefrag(url)
    wishes = {key: values[-1] for key, values in parse_qs(fragment).items()}
    return address, Policy(
        retries=_number(wishes.get("rc"), RETRIES_DEFAULT, 0, RETRIES_MAX),
        on=frozenset(wishes.get("rp", "ct").split(",")),
        connect_timeout_s=_number(wishes.get("ct"), CONNECT_TIMEOUT_MS, 100, 10_000) / 1000,
        read_timeout_s=_number(wishes.get("rt"), READ_TIMEOUT_MS, 100, READ_TIMEOUT_MS) / 1000,
    )


class Webhooks:
    """Sends them over one shared client, which it does not own."""

    def __init__(self, client: httpx.AsyncClient, auth_token: str) -> None:
        self._client = client
        self._auth_token = auth_token

    async def send(self, url: str, method: str, form: Form, token: str | None = None) -> Answer:
        """Return the first good answer. `token` names the event, the same on each retry and repetition.

        Raises:
            WebhookFailed: with the last try's fault.
        """
        address, policy = policy_of(url)
        token = token or str(uuid4())
        tried = 0
        while True:
            try:
                answer = await self._once(address, method, form, policy, token)
                if answer.status < 400:
                    return answer
                fault, kind = f"status {answer.status}", f"{answer.status // 100}xx"
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                fault, kind = type(error).__name__, "ct"
            except (httpx.HTTPError, TimeoutError) as error:
                fault, kind = type(error).__name__, "rt"
            except (httpx.InvalidURL, ValueError) as error:
                raise WebhookFailed(f"unusable address: {error}") from None
            if tried >= policy.retries or not policy.retries_on(kind):
                raise WebhookFailed(fault)
            tried += 1
            await asyncio.sleep(RETRY_PAUSE_S)

    async def _once(self, address: str, method: str, form: Form, policy: Policy, token: str) -> Answer:
        headers = {"User-Agent": USER_AGENT, "Accept": "*/*", "I-Twilio-Idempotency-Token": token}
        if method == "GET":
            glue = "&" if "?" in address else "?"
            address += glue + urlencode(form)
            headers[HEADER] = sign(self._auth_token, address)
            content = None
        else:
            headers[HEADER] = sign(self._auth_token, address, form)
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
            content = urlencode(form).encode()
        timeout = httpx.Timeout(policy.read_timeout_s, connect=policy.connect_timeout_s)
        request = self._client.build_request(method, address, content=content, headers=headers, timeout=timeout)
        async with asyncio.timeout(policy.connect_timeout_s + policy.read_timeout_s):
            response = await self._client.send(request, stream=True)
            try:
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > BODY_BYTES_MAX:
                        break  # the reader of the document refuses it by its size
            finally:
                await response.aclose()
        return Answer(response.status_code, bytes(body))


def _number(text: str | None, default: int, low: int, high: int) -> int:
    if text is None or not text.isdecimal():
        return default
    return min(high, max(low, int(text)))
