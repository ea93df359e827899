"""The box's own control API under /box: who answers, what goes wrong, and what really happened. Not the vendor's."""

import asyncio
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from telephony.carrier import errors
from telephony.carrier.calls import Call
from telephony.carrier.errors import Refused
from telephony.carrier.exchange import Exchange, Seat
from telephony.carrier.faults import FaultPlan
from telephony.carrier.keeping import Side
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

    @router.get("/calls")
    async def calls() -> list[dict[str, Any]]:
        return [
            {"call_sid": call.sid, "to": call.order.to, "persona": call.persona, "status": call.status}
            for call in exchange.calls()
        ]

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


def _seat_of(order: LineOrder) -> Seat:
    path = Path(order.wav_path).expanduser() if order.wav_path else None
    return Seat(order.persona, path, order.seed)
