"""The official SDK, unmodified but for its base address, against the carrier in a box."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from tests.telephony.carrier.conftest import FROM, TO, Box
from tests.telephony.carrier.customer import Customer

# The SDK's own use of what aiohttp is about to drop; not ours to change.
pytestmark = [
    pytest.mark.filterwarnings("ignore:BasicAuth is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The 'auth' parameter is deprecated:DeprecationWarning"),
]


def client_of(box: Box, http: Any, token: str | None = None) -> Client:
    client = Client(box.settings.account_sid, token or box.settings.auth_token, http_client=http)
    client.api.base_url = box.address
    return client


async def test_async_client_places_fetches_lists_and_ends_a_call(box: Box, customer: Customer) -> None:
    customer.document = '<Response><Pause length="30"/></Response>'
    async with AsyncTwilioHttpClient() as http:
        client = client_of(box, http)
        placed = await client.calls.create_async(
            to=TO,
            from_=FROM,
            url=f"{customer.address}/voice",
            status_callback=f"{customer.address}/status",
            status_callback_event=["initiated", "ringing", "answered", "completed"],
            machine_detection="Enable",
            async_amd="true",
            timeout=20,
            time_limit=60,
        )
        assert placed.sid
        assert placed.status == "queued"
        await customer.until(lambda: bool(customer.of("in-progress")))

        fetched = await client.calls(placed.sid).fetch_async()
        assert (fetched.status, fetched.to, fetched.direction) == ("in-progress", TO, "outbound-api")
        assert fetched.date_created is not None

        since = datetime.now(UTC) - timedelta(minutes=1)
        listed = await client.calls.list_async(to=TO, from_=FROM, start_time_after=since)
        assert [call.sid for call in listed] == [placed.sid]
        assert await client.calls.list_async(to=TO, start_time_before=since) == []
        assert await client.calls.list_async(status="ringing") == []

        ended = await client.calls(placed.sid).update_async(status="completed")
        assert ended.status == "completed"
        await customer.until(lambda: bool(customer.of("completed")))
        assert (await client.calls(placed.sid).fetch_async()).duration == "1"
        with pytest.raises(TwilioRestException) as caught:
            await client.calls(placed.sid).update_async(status="completed")
        assert (caught.value.status, caught.value.code) == (400, 21220)
    assert [form["CallStatus"] for form in customer.statuses] == ["initiated", "ringing", "in-progress", "completed"]


async def test_sync_client_does_the_same(box: Box) -> None:
    await box.put("away")  # rings for as long as the test needs

    def work() -> None:
        http = TwilioHttpClient()
        client = client_of(box, http)
        placed = client.calls.create(to=TO, from_=FROM, twiml='<Response><Pause length="30"/></Response>')
        assert placed.sid
        sid = placed.sid
        assert client.calls(sid).fetch().sid == sid
        assert [call.sid for call in client.calls.list()] == [sid]
        assert client.calls(sid).update(status="canceled").status == "canceled"
        assert client.api.v2010.accounts(box.settings.account_sid).fetch().status == "active"
        numbers = client.incoming_phone_numbers.list(phone_number=FROM)
        assert [number.phone_number for number in numbers] == [FROM]
        assert client.incoming_phone_numbers.list(phone_number=TO) == []
        http.session.close()

    await asyncio.to_thread(work)


async def test_pages_lead_to_all_calls(box: Box) -> None:
    await box.put("busy")
    async with AsyncTwilioHttpClient() as http:
        client = client_of(box, http)
        placed = [(await client.calls.create_async(to=TO, from_=FROM, twiml="<Response/>")).sid for _ in range(5)]
        listed = await client.calls.list_async(page_size=2)
        assert [call.sid for call in listed] == placed[::-1]


async def test_errors_are_the_vendors(box: Box) -> None:
    async with AsyncTwilioHttpClient() as http:
        client = client_of(box, http)
        with pytest.raises(TwilioRestException) as caught:
            await client.calls.create_async(to="nobody", from_=FROM, twiml="<Response/>")
        assert (caught.value.status, caught.value.code) == (400, 21211)
        with pytest.raises(TwilioRestException) as caught:
            await client.calls("CA" + "0" * 32).fetch_async()
        assert (caught.value.status, caught.value.code) == (404, 20404)
        with pytest.raises(TwilioRestException) as caught:
            await client_of(box, http, token="wrong").calls("CA" + "0" * 32).fetch_async()
        assert (caught.value.status, caught.value.code) == (401, 20003)


async def test_a_refused_dial_and_one_whose_answer_is_lost(box: Box) -> None:
    async with AsyncTwilioHttpClient() as http:
        client = client_of(box, http)
        await box.break_something(number=TO, refuse={"status": 429, "code": 20429, "message": "Too Many Requests"})
        with pytest.raises(TwilioRestException) as caught:
            await client.calls.create_async(to=TO, from_=FROM, twiml="<Response/>")
        assert (caught.value.status, caught.value.code) == (429, 20429)
        assert await client.calls.list_async(to=TO) == []

        await box.break_something(number=TO, refuse={"status": 503, "code": 20503, "dial_anyway": True})
        with pytest.raises(TwilioRestException) as caught:
            await client.calls.create_async(to=TO, from_=FROM, twiml="<Response/>")
        assert caught.value.status == 503
        assert len(await client.calls.list_async(to=TO)) == 1
