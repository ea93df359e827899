"""A person's peer connections: one that stands, and one that takes its place. They outlive the socket they came by.

The page's socket and its sound go by different ways, and a proxy that starts again breaks the one and not the other.
So a connection ends with the browser, with the next one that stands, or with the person's presence in the call; not
with the socket. Its task runs in the group of whoever began it.
"""

import asyncio
from functools import partial
from typing import Final

import structlog

from telephony.people import messages
from telephony.people.figures import PeopleFigures
from telephony.people.presence import NotDone, Presence, Presences
from telephony.softphone.leg import Exchange, SoftphoneLeg
from telephony.softphone.peer import PeerFailed
from telephony.softphone.sdp import BadOffer

log = structlog.get_logger()

CONNECTIONS_MAX: Final = 2  # one that stands, and the one that takes its place

_TROUBLES: Final = {
    "no_connection": "Your browser and the call's server do not reach each other by sound: check the network.",
    "disconnected": "Your sound is not connected any more: connect again.",
    "not_heard": "Nothing comes from your microphone: check that it is plugged in and allowed.",
    "hears_nothing": "What the call sends you does not arrive: check your network.",
}


def begin_connection(
    presence: Presence,
    sdp: str,
    exchange: Exchange,
    presences: Presences,
    figures: PeopleFigures,
    tasks: asyncio.TaskGroup,
) -> SoftphoneLeg:
    """Begin a connection by a browser's offer; it runs in `tasks`. Raises NotDone."""
    try:
        leg = SoftphoneLeg(exchange, sdp, partial(_trouble, presence))
    except BadOffer as error:
        raise NotDone("bad_offer", str(error)) from None
    waiting = [one for one in presence.connections if one.party is None]
    for one in waiting[: max(0, len(presence.connections) + 1 - CONNECTIONS_MAX)]:
        presence.connections[one].cancel()
    carrying = tasks.create_task(_carry(presence, leg, presences, figures), name="people.leg")
    presence.connections[leg] = carrying
    carrying.add_done_callback(lambda _: presence.connections.pop(leg, None))
    return leg


async def _carry(presence: Presence, leg: SoftphoneLeg, presences: Presences, figures: PeopleFigures) -> None:
    """Connect a leg, let it into the call, and take it out when the browser is gone."""
    joined = False
    try:
        await leg.connect()
        word = (await presence.join(leg)).word
        joined = True
        figures.legs += 1
        figures.legs_connected += 1
        presence.drop_connections(but=leg)  # this one has taken their place
        presence.tell(messages.Connected(presence.call.state.value, word.value))
        how = await leg.stay()
        log.info("people.leg_gone", call_id=str(presence.call.call_id), person=presence.person.id, how=how)
        _trouble(presence, "disconnected", True)
    except PeerFailed as error:
        figures.legs_failed[error.code] += 1
        presence.tell(messages.Trouble(error.code, on=True, sentence=_TROUBLES["no_connection"]))
    except NotDone as error:
        presence.tell(messages.Trouble(error.code, on=True, sentence=error.sentence))
    finally:
        if joined:
            figures.legs -= 1
            presences.leg_lost(presence, leg)
        await leg.aclose()


def _trouble(presence: Presence, code: str, on: bool) -> None:
    presence.tell(messages.Trouble(code, on, _TROUBLES[code] if on else ""))
