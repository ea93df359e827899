"""What a page that attends can ask for: to be ready or not, to take a caller, to decline one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from telephony.people import messages as people
from telephony.people.presence import NotDone
from telephony.queues import messages
from telephony.queues.seat import Seat

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SeatVerb:
    """`body`: the message's fields; `obey` gets one of it, and returns what the answer says beside "ok"."""

    body: type[msgspec.Struct]
    obey: Callable[[Seat, Any], Awaitable[Data]]


async def _ready(seat: Seat, body: messages.Ready) -> Data:
    seat.switch(ready=body.on)
    return {"ready": seat.ready}


async def _accept(seat: Seat, body: messages.Accept) -> Data:
    return await seat.accept(body.offer)


async def _decline(seat: Seat, body: messages.Decline) -> Data:
    seat.decline(body.offer)
    return {}


async def _ping(seat: Seat, body: people.Ping) -> Data:
    return {}


VERBS: Final[Mapping[str, SeatVerb]] = {
    "ready": SeatVerb(messages.Ready, _ready),
    "accept": SeatVerb(messages.Accept, _accept),
    "decline": SeatVerb(messages.Decline, _decline),
    "ping": SeatVerb(people.Ping, _ping),
}


async def obey(seat: Seat, asked: people.Asked, raw: bytes) -> people.Told:
    """Carry one message out and return its answer."""
    verb = VERBS.get(asked.do)
    if verb is None:
        return people.Refused(asked.id, "unknown_command", f"There is no such command here; use {', '.join(VERBS)}.")
    try:
        data = await verb.obey(seat, people.read_body(raw, verb.body))
    except people.BadMessage as error:
        return people.Refused(asked.id, "bad_message", str(error))
    except NotDone as error:
        return people.Refused(asked.id, error.code, error.sentence)
    return people.Ok(asked.id, "", "", data)
