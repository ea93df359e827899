"""Whether the people in this node's calls may still be there: asked of the CRM every few seconds, about all at once.

While the CRM does not answer everybody stays: a call does not hang on it.
"""

import asyncio
from collections.abc import Mapping
from typing import Final, Protocol

import httpx
import structlog

from agent.tools.port import DeskAway
from events.attendance import AttendanceTicket
from events.standing import PEOPLE_MAX, STANDING_PATH, Gone, InCall, StandingAnswer, StandingQuestion
from events.ticket import Seat, Ticket
from telephony.people.figures import PeopleFigures
from telephony.people.presence import Presences
from telephony.tool_desk import ask_crm

log = structlog.get_logger()

ASK_EVERY_S: Final = 2.0

_SENTENCES: Final[Mapping[Gone, str]] = {
    Gone.SIGNED_OUT: "You are signed out, or belong to the organisation no longer: you have left the call.",
    Gone.NOT_ALLOWED: "Your role does not let you be in the call as you came: you have left it.",
}


class Attending(Protocol):
    """Those whose pages attend, to take calls."""

    def tickets(self) -> list[AttendanceTicket]: ...

    def send_away(self, ticket: AttendanceTicket, code: str) -> bool: ...


async def keep_asking(
    presences: Presences, crm: httpx.AsyncClient, figures: PeopleFigures, attending: Attending | None = None
) -> None:
    """Send away who may not stay, until cancelled."""
    while True:
        await asyncio.sleep(ASK_EVERY_S)
        tickets: list[Ticket | AttendanceTicket] = [one.ticket for one in presences.here()]
        tickets += attending.tickets() if attending is not None else ()
        # A ticket without a session is no person's of the CRM's.
        known = [ticket for ticket in tickets if ticket.session_id is not None]
        for at in range(0, len(known), PEOPLE_MAX):
            await _ask(known[at : at + PEOPLE_MAX], presences, crm, figures, attending)


async def _ask(
    tickets: list[Ticket | AttendanceTicket],
    presences: Presences,
    crm: httpx.AsyncClient,
    figures: PeopleFigures,
    attending: Attending | None,
) -> None:
    people = tuple(InCall(one.org_id, one.user_id, one.session_id, _seat(one)) for one in tickets if one.session_id)
    try:
        answer = await ask_crm(crm, STANDING_PATH, StandingQuestion(people), StandingAnswer)
    except DeskAway as error:
        log.warning("people.standing_unknown", reason=error.reason, people=len(people))
        return
    if len(answer.gone) != len(people):
        log.error("people.standing_unreadable", asked=len(people), answered=len(answer.gone))
        return
    for ticket, gone in zip(tickets, answer.gone, strict=True):
        if gone is None:
            continue
        if isinstance(ticket, Ticket):
            sent = presences.send_away(ticket, gone, _SENTENCES[gone])
        else:
            sent = attending is not None and attending.send_away(ticket, gone)
        if sent:
            figures.sent_away[gone] += 1
            log.info("people.sent_away", user_id=str(ticket.user_id), reason=gone)


def _seat(ticket: Ticket | AttendanceTicket) -> Seat:
    """Return what somebody is in a call as, or would be."""
    return ticket.seat if isinstance(ticket, Ticket) else Seat.REP
