"""Twilio's REST API through its official SDK: dial, find, hang up.

Three traps of the SDK are avoided here: its async client ignores its own time-out, so each request gets one; its
retries would POST a dial again, so there are none; and it keeps connections, of which the far end may close one in
the very moment in which it is taken for the next request: nobody could say then whether a dial was read.
"""

import asyncio
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import aiohttp
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from telephony.carrier_port import CallOrder, CarrierInDoubt, CarrierRefused, Transfer
from telephony.twilio.twiml import dial_number

REQUEST_TIMEOUT_S: Final = 10.0
_STATUS_EVENTS: Final = ["initiated", "ringing", "answered", "completed"]
_NOT_IN_PROGRESS: Final = 21220  # the call is over already
_NOT_FOUND: Final = 20404


class _RedirectingHttp(AsyncTwilioHttpClient):  # type: ignore[misc]  # the SDK is untyped
    """The SDK's own client with the base address changed, and a time-out and a connection for each request."""

    def __init__(self, base_url: str) -> None:
        super().__init__(pool_connections=False, timeout=REQUEST_TIMEOUT_S, max_retries=None)
        self.session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._base = urlsplit(base_url)

    async def request(self, method: str, uri: str, *args: Any, **options: Any) -> Response:
        asked = urlsplit(uri)
        address = urlunsplit((self._base.scheme, self._base.netloc, asked.path, asked.query, ""))
        async with asyncio.timeout(REQUEST_TIMEOUT_S):
            return await super().request(method, address, *args, **options)


class TwilioCarrier:
    """One account. Made inside a running loop, since the SDK opens its session at once."""

    name = "twilio"

    def __init__(self, account_sid: str, auth_token: str, base_url: str) -> None:
        self._http = _RedirectingHttp(base_url)
        self._client = Client(account_sid, auth_token, http_client=self._http)
        # The SDK imports its parts when they are first named, which takes a second: now, not under the first call.
        self._calls = self._client.calls

    async def dial(self, order: CallOrder) -> str:
        try:
            call = await self._calls.create_async(
                to=order.to_number,
                from_=order.from_number,
                url=order.voice_url,
                method="POST",
                status_callback=order.status_url,
                status_callback_event=_STATUS_EVENTS,
                status_callback_method="POST",
                timeout=order.ring_timeout_s,
                time_limit=order.time_limit_s,
                **_machine_detection(order.amd_url),
            )
        except TwilioRestException as error:
            if error.status < 500:
                raise CarrierRefused(str(error.code or error.status)) from None
            raise CarrierInDoubt(f"status {error.status}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CarrierInDoubt(type(error).__name__) from None
        return str(call.sid)

    async def find(self, order: CallOrder, since: datetime) -> str | None:
        try:
            calls = await self._calls.list_async(
                to=order.to_number, from_=order.from_number, start_time_after=since, limit=20
            )
        except (TwilioRestException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CarrierInDoubt(type(error).__name__) from None
        # The list's time filter knows days; the rest is checked here.
        recent = [call for call in calls if call.date_created is None or call.date_created >= since]
        return str(recent[0].sid) if recent else None

    async def status(self, carrier_call_id: str) -> str:
        try:
            call = await self._calls(carrier_call_id).fetch_async()
        except (TwilioRestException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CarrierInDoubt(type(error).__name__) from None
        return str(call.status)

    async def hang_up(self, carrier_call_id: str) -> None:
        try:
            await self._calls(carrier_call_id).update_async(status="completed")
        except TwilioRestException as error:
            if error.code not in (_NOT_IN_PROGRESS, _NOT_FOUND):
                raise CarrierInDoubt(f"status {error.status}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CarrierInDoubt(type(error).__name__) from None

    async def put_through(self, carrier_call_id: str, transfer: Transfer) -> None:
        try:
            await self._calls(carrier_call_id).update_async(twiml=dial_number(transfer))
        except TwilioRestException as error:
            if error.status < 500:
                raise CarrierRefused(str(error.code or error.status)) from None
            raise CarrierInDoubt(f"status {error.status}") from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CarrierInDoubt(type(error).__name__) from None

    async def aclose(self) -> None:
        await self._http.close()


def _machine_detection(url: str) -> dict[str, str]:
    """Return what of an order asks who answers; nothing where nobody wants to know."""
    if not url:
        return {}
    # Waiting for the beep: synchronous detection would make seconds of dead air.
    return {
        "machine_detection": "DetectMessageEnd",
        "async_amd": "true",
        "async_amd_status_callback": url,
        "async_amd_status_callback_method": "POST",
    }
