"""What the carrier calls about calls that come in: what to do with one, and how it goes.

Of a call that is taken, its stream goes where that of a call goes which we placed.
"""

from collections.abc import Callable
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from events.incoming import NotTaken
from telephony.declined_words import declined_words
from telephony.reception import Declined, Ring, Taken
from telephony.twilio import twiml
from telephony.twilio.signature import SignatureCheck
from telephony.twilio.signed_form import signed_form, xml


class Reception(Protocol):
    """What takes calls that come in."""

    async def take(self, ring: Ring) -> Taken | Declined: ...

    def status(self, carrier_call_id: str, status: str) -> None: ...


def inbound_routes(
    node: str,
    check: SignatureCheck,
    reception: Callable[[], Reception | None],
    stream_url: Callable[[UUID, str], str],
) -> APIRouter:
    """Return the routes under `/n/{node}/twilio/inbound`.

    Args:
        reception: None while the process starts.
        stream_url: of a call and the node that holds it.
    """
    router = APIRouter(prefix=f"/n/{node}/twilio/inbound")
    Form = Annotated[dict[str, str], Depends(signed_form(check))]

    @router.post("")
    async def inbound(form: Form) -> Response:
        # Idempotent: the carrier repeats voice webhooks, and the reception knows a call by its id.
        ring = Ring(form.get("CallSid", ""), form.get("To", ""), form.get("From", ""))
        taking = reception()
        answer = await taking.take(ring) if taking is not None else Declined(NotTaken.NO_ROOM)
        if isinstance(answer, Taken):
            return xml(twiml.connect_stream(stream_url(answer.call_id, answer.node)))
        return xml(twiml.apologise(declined_words(answer.reason, answer.language), answer.language))

    @router.post("/status", status_code=204)
    async def status(form: Form) -> None:
        taking = reception()
        if taking is not None:
            taking.status(form.get("CallSid", ""), form.get("CallStatus", ""))

    return router
