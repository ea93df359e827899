"""The vendor's REST API as far as the official SDK needs it for calls: create, fetch, update, list, and the account."""

import base64
import binascii
import hmac
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from telephony.carrier import errors, orders
from telephony.carrier.calls import API_VERSION, Call, as_json
from telephony.carrier.errors import Refused
from telephony.carrier.exchange import Account, Exchange

PAGE_SIZE_DEFAULT: Final = 50
PAGE_SIZE_MAX: Final = 1_000
_META: Final = ("Page", "PageSize", "PageToken")


def rest_routes(exchange: Exchange) -> APIRouter:
    """Return the routes under /2010-04-01, all behind the account's Basic credentials."""
    account = exchange.account
    router = APIRouter(prefix=f"/{API_VERSION}/Accounts", dependencies=[Depends(_authenticated(account))])

    def known(request: Request, call_sid: str) -> Call:
        call = exchange.find(call_sid)
        if call is None:
            raise Refused(errors.not_found(request.url.path))
        return call

    async def ours(request: Request, account_sid: str) -> None:
        if account_sid != account.sid:
            raise Refused(errors.not_found(request.url.path))

    Ours = Depends(ours)

    @router.post("/{account_sid}/Calls.json", status_code=201, dependencies=[Ours])
    async def create(fields: Annotated[orders.Fields, Depends(_form)]) -> dict[str, Any]:
        return as_json(await exchange.place(orders.order_of(fields)))

    @router.get("/{account_sid}/Calls.json", dependencies=[Ours])
    async def list_calls(request: Request) -> dict[str, Any]:
        fields = list(request.query_params.multi_items())
        return _page(request.url.path, fields, "calls", [as_json(call) for call in _filtered(exchange.calls(), fields)])

    @router.get("/{account_sid}/Calls/{call_sid}.json", dependencies=[Ours])
    async def fetch(request: Request, call_sid: str) -> dict[str, Any]:
        return as_json(known(request, call_sid))

    @router.post("/{account_sid}/Calls/{call_sid}.json", dependencies=[Ours])
    async def update(
        request: Request, call_sid: str, fields: Annotated[orders.Fields, Depends(_form)]
    ) -> dict[str, Any]:
        call = known(request, call_sid)
        await exchange.update(call, orders.wish_of(fields), orders.source_of(fields))
        return as_json(call)

    @router.get("/{account_sid}.json", dependencies=[Ours])
    async def fetch_account() -> dict[str, Any]:
        return _account(account)

    @router.get("/{account_sid}/IncomingPhoneNumbers.json", dependencies=[Ours])
    async def list_numbers(request: Request) -> dict[str, Any]:
        fields = list(request.query_params.multi_items())
        wanted = orders.Form(fields).get("PhoneNumber")
        owned = [_number(account)] if not wanted or wanted == account.number else []
        return _page(request.url.path, fields, "incoming_phone_numbers", owned)

    return router


def refused(_request: Request, error: Exception) -> JSONResponse:
    """Word a refusal as the vendor does."""
    assert isinstance(error, Refused)
    return JSONResponse(errors.body(error.fault), error.fault.status)


def is_authentic(request: Request, account: Account) -> bool:
    """Tell whether a request bears the account's Basic credentials."""
    scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
    try:
        given = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return False
    wanted = f"{account.sid}:{account.auth_token}".encode()
    return scheme.lower() == "basic" and hmac.compare_digest(given, wanted)


def _authenticated(account: Account) -> Callable[[Request], Awaitable[None]]:
    async def check(request: Request) -> None:
        if not is_authentic(request, account):
            raise Refused(errors.AUTHENTICATE)

    return check


async def _form(request: Request) -> orders.Fields:
    form = await request.form()
    return [(key, value) for key, value in form.multi_items() if isinstance(value, str)]


def _filtered(calls: list[Call], fields: orders.Fields) -> list[Call]:
    form = orders.Form(fields)
    to, from_, status = form.get("To"), form.get("From"), form.get("Status")
    day, after, before = (_time(form.get(name)) for name in ("StartTime", "StartTime>", "StartTime<"))
    return [
        call
        for call in calls
        if (not to or call.order.to == to)
        and (not from_ or call.order.from_ == from_)
        and (not status or call.status == status)
        and (day is None or day.date() == call.created_at.date())
        # The API tells whole seconds, so it compares whole seconds.
        and (after is None or call.created_at.replace(microsecond=0) >= after)
        and (before is None or call.created_at.replace(microsecond=0) <= before)
    ]


def _time(text: str) -> datetime | None:
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(errors.bad_parameter("StartTime", "has to be a date or time of ISO 8601")) from None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


def _page(path: str, fields: orders.Fields, key: str, records: list[dict[str, Any]]) -> dict[str, Any]:
    form = orders.Form(fields)
    size = form.number("PageSize", PAGE_SIZE_DEFAULT, 1, PAGE_SIZE_MAX)
    page = form.number("Page", 0, 0, 1_000_000)
    start = page * size
    shown = records[start : start + size]

    def uri(number: int) -> str:
        rest = [(name, value) for name, value in fields if name not in _META]
        return f"{path}?{urlencode([*rest, ('PageSize', str(size)), ('Page', str(number))])}"

    return {
        "first_page_uri": uri(0),
        "end": start + max(0, len(shown) - 1),
        "previous_page_uri": uri(page - 1) if page else None,
        key: shown,
        "uri": uri(page),
        "page_size": size,
        "start": start,
        "next_page_uri": uri(page + 1) if start + size < len(records) else None,
        "page": page,
    }


def _account(account: Account) -> dict[str, Any]:
    since = format_datetime(datetime.now(UTC) - timedelta(days=1))
    return {
        "sid": account.sid,
        "friendly_name": "Carrier in a box",
        "status": "active",
        "type": "Full",
        "auth_token": account.auth_token,
        "owner_account_sid": account.sid,
        "date_created": since,
        "date_updated": since,
        "uri": f"/{API_VERSION}/Accounts/{account.sid}.json",
        "subresource_uris": {"calls": f"/{API_VERSION}/Accounts/{account.sid}/Calls.json"},
    }


def _number(account: Account) -> dict[str, Any]:
    sid = "PN" + account.sid[2:]
    return {
        "sid": sid,
        "account_sid": account.sid,
        "phone_number": account.number,
        "friendly_name": account.number,
        "capabilities": {"voice": True, "sms": False, "mms": False, "fax": False},
        "status": "in-use",
        "api_version": API_VERSION,
        "uri": f"/{API_VERSION}/Accounts/{account.sid}/IncomingPhoneNumbers/{sid}.json",
    }
