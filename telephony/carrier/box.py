"""The box's own control API under /box: who answers, what goes wrong, and what really happened. Not the vendor's."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from telephony.carrier import errors
from telephony.carrier.calls import Address, Call, Order
from telephony.carrier.errors import Refused
from telephony.carrier.exchange import Account, Exchange, Seat
from telephony.carrier.faults import FaultPlan
from telephony.carrier.keeping import Side
from telephony.carrier.orders import is_http
from telephony.carrier.rest import is_authentic
from telephony.carrier.truth import account_of

READ_TIMEOUT_S: Final = 10.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class LineOrder(BaseModel):
    """Put a persona on a number."""

    model_config = ConfigDict(extra="forbid")

    number: str = Field(pattern=r"^\+[1-9]\d{6,14}$")
    persona: str
    wav_path: str | None = None  # on this machine; for personas that play a given file
    seed: int = 0


class IncomingOrder(BaseModel):
    """Have somebody ring one of the customer's numbers."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    persona: str
    to: str = Field("", pattern=r"^(\+[1-9]\d{6,14})?$")  # empty: the account's own number
    from_: str = Field("+12025550199", alias="from", max_length=40)  # or what the vendor says of a number withheld
    voice_url: str = Field("", max_length=2_000)  # who is asked what to do; empty: the account's
    status_url: str = Field("", max_length=2_000)  # who is told how it goes; empty: beside it
    gives_up_s: float = Field(60, gt=0, le=600)  # the caller hangs up when nobody has answered for so long
    wav_path: str | None = None
    seed: int = 0


def box_routes(exchange: Exchange) -> APIRouter:
    """Return the routes; they answer this machine, and others only with the account's Basic credentials."""

    async def allowed(request: Request) -> None:
        near = request.client is not None and request.client.host in _LOOPBACK
        if not near and not is_authentic(request, exchange.account):
            raise Refused(errors.AUTHENTICATE)

    router = APIRouter(prefix="/box", dependencies=[Depends(allowed)])

    async def known(request: Request, call_sid: str) -> Call:
        call = exchange.find(call_sid)
        if call is None:
            raise Refused(errors.not_found(request.url.path))
        return call

    @router.get("/personas")
    async def personas() -> dict[str, Any]:
        return {
            name: {
                "description": persona.description,
                "how": persona.answer.how,
                "numbers": persona.numbers,
                "needs_file": persona.needs_file,
            }
            for name, persona in exchange.personas.items()
        }

    @router.post("/lines", status_code=201)
    async def seat(order: LineOrder) -> LineOrder:
        exchange.seat(order.number, _seat_of(order))
        return order

    @router.post("/incoming", status_code=201)
    async def ring(order: IncomingOrder) -> dict[str, Any]:
        call = await exchange.ring(_ringing(order, exchange.account), _seat_of(order))
        return _headline(call)

    @router.get("/calls")
    async def calls() -> list[dict[str, Any]]:
        return [_headline(call) for call in exchange.calls()]

    @router.get("/calls/{call_sid}")
    async def truth(call: Annotated[Call, Depends(known)]) -> dict[str, Any]:
        return account_of(call)

    @router.get("/calls/{call_sid}/{side}.wav")
    async def sound(request: Request, side: Side, call: Annotated[Call, Depends(known)]) -> Response:
        async with asyncio.timeout(READ_TIMEOUT_S):
            wav = await asyncio.to_thread(exchange.sound, call, side)
        if wav is None:
            raise Refused(errors.not_found(request.url.path))
        return Response(wav, media_type="audio/wav")

    @router.get("/faults")
    async def faults() -> list[FaultPlan]:
        return exchange.faults.plans()

    @router.post("/faults", status_code=201)
    async def break_something(plan: FaultPlan) -> FaultPlan:
        exchange.faults.set(plan)
        return plan

    @router.delete("/faults", status_code=204)
    async def mend() -> None:
        exchange.faults.clear()

    return router


def _ringing(order: IncomingOrder, account: Account) -> Order:
    """Raises Refused: nobody could be asked at that address."""
    asked_at = order.voice_url or account.voice_url
    if not is_http(asked_at):
        raise Refused(errors.BAD_URL)
    return Order(
        to=order.to or account.number,
        from_=order.from_,
        source=Address(asked_at),
        status_callback=order.status_url or f"{asked_at}/status",
        incoming=True,
        gives_up_s=order.gives_up_s,
    )


def _headline(call: Call) -> dict[str, Any]:
    numbers = {"to": call.order.to, "from": call.order.from_, "direction": call.order.direction}
    return {"call_sid": call.sid, "persona": call.persona, "status": call.status} | numbers


def _seat_of(order: LineOrder | IncomingOrder) -> Seat:
    path = Path(order.wav_path).expanduser() if order.wav_path else None
    return Seat(order.persona, path, order.seed)
