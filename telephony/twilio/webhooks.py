"""What the carrier calls: TwiML for an answered call, its status, who answered, and the media stream.

Every route checks the carrier's signature first; an unknown call gets an answer that ends it politely.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Protocol
from uuid import UUID

import structlog
from fastapi import APIRouter, Depends, Response, WebSocket

from agent.stock_phrases import stock_phrases
from events.call import AnsweredBy
from telephony.call import signals as sig
from telephony.twilio import twiml
from telephony.twilio.leg import StreamCall, run_leg
from telephony.twilio.signature import HEADER, SignatureCheck
from telephony.twilio.signed_form import signed_form, xml

log = structlog.get_logger()

_ANSWERERS: Final[Mapping[str, tuple[AnsweredBy, bool]]] = {
    "human": (AnsweredBy.HUMAN, False),
    "machine_start": (AnsweredBy.MACHINE, False),
    "machine_end_beep": (AnsweredBy.MACHINE, True),
    "machine_end_silence": (AnsweredBy.MACHINE, True),
    "machine_end_other": (AnsweredBy.MACHINE, True),
    "fax": (AnsweredBy.MACHINE, False),
}


class Urls(Protocol):
    def stream(self, call_id: UUID) -> str: ...

    def leg_stream(self, call_id: UUID, leg_id: UUID) -> str: ...


Find = Callable[[UUID], StreamCall | None]
FindLeg = Callable[[UUID, UUID], StreamCall | None]


def webhook_routes(node: str, check: SignatureCheck, find: Find, find_leg: FindLeg, urls: Urls) -> APIRouter:
    """Return the routes under `/n/{node}/twilio`, but for those of calls that come in; also of calls' further legs."""
    router = APIRouter(prefix=f"/n/{node}/twilio")

    Form = Annotated[dict[str, str], Depends(signed_form(check))]

    @router.post("/voice/{call_id}")
    async def voice(call_id: UUID, form: Form) -> Response:
        return _answered(find(call_id), form, urls.stream(call_id))

    @router.post("/calls/{call_id}/legs/{leg_id}/voice")
    async def leg_voice(call_id: UUID, leg_id: UUID, form: Form) -> Response:
        return _answered(find_leg(call_id, leg_id), form, urls.leg_stream(call_id, leg_id))

    @router.post("/status/{call_id}", status_code=204)
    async def status(call_id: UUID, form: Form) -> None:
        _note_status(find(call_id), form)

    @router.post("/calls/{call_id}/legs/{leg_id}/status", status_code=204)
    async def leg_status(call_id: UUID, leg_id: UUID, form: Form) -> None:
        _note_status(find_leg(call_id, leg_id), form)

    @router.post("/amd/{call_id}", status_code=204)
    async def amd(call_id: UUID, form: Form) -> None:
        call = find(call_id)
        if call is not None:
            said = form.get("AnsweredBy", "unknown")
            answered_by, waits = _ANSWERERS.get(said, (AnsweredBy.UNKNOWN, False))
            call.put(sig.Answerer(answered_by, waits, said))

    @router.post("/transferred/{call_id}")
    async def transferred(call_id: UUID, form: Form, language: str = "en-US") -> Response:
        # The call is over for us by then, so the document depends on the form alone.
        if form.get("DialCallStatus") in ("completed", "answered"):
            return xml(twiml.hang_up())
        log.warning("transfer.nobody", call_id=str(call_id), status=form.get("DialCallStatus", ""))
        return xml(twiml.apologise(stock_phrases(language).not_done, language))

    async def carry(socket: WebSocket, call: StreamCall | None) -> None:
        if not check.handshake(socket.url.path, socket.headers.get(HEADER)) or call is None:
            # Closed before it was accepted: the server answers 403.
            log.warning("stream.refused", known=call is not None)
            await socket.close()
            return
        await socket.accept()
        await run_leg(socket, call)

    @router.websocket("/stream/{call_id}")
    async def stream(socket: WebSocket, call_id: UUID) -> None:
        await carry(socket, find(call_id))

    @router.websocket("/calls/{call_id}/legs/{leg_id}/stream")
    async def leg_stream(socket: WebSocket, call_id: UUID, leg_id: UUID) -> None:
        await carry(socket, find_leg(call_id, leg_id))

    return router


def _answered(call: StreamCall | None, form: Mapping[str, str], stream_url: str) -> Response:
    """Return what the carrier does with a telephone that was picked up.

    Idempotent: the carrier repeats voice webhooks, and the document depends on the call alone.
    """
    if call is None:
        return xml(twiml.hang_up())
    call.put(sig.CarrierStatus("in-progress", form.get("CallSid", "")))
    return xml(twiml.connect_stream(stream_url))


def _note_status(call: StreamCall | None, form: Mapping[str, str]) -> None:
    if call is not None:
        call.put(sig.CarrierStatus(form.get("CallStatus", ""), form.get("CallSid", "")))
