"""Whether the people in this node's calls may still be there: asked of the CRM every few seconds, about all at once.

While the CRM does not answer everybody stays: a call does not hang on it.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import httpx
import structlog

from agent.tools.port import DeskAway
from events.standing import PEOPLE_MAX, STANDING_PATH, Gone, InCall, StandingAnswer, StandingQuestion
from events.ticket import Ticket
from telephony.people.figures import PeopleFigures
from telephony.people.presence import Presences
from telephony.tool_desk import ask_crm

log = structlog.get_logger()

ASK_EVERY_S: Final = 2.0

_SENTENCES: Final[Mapping[Gone, str]] = {
    Gone.SIGNED_OUT: "You are signed out, or belong to the organisation no longer: you have left the call.",
    Gone.NOT_ALLOWED: "Your role does not let you be in the call as you came: you have left it.",
}


async def keep_asking(presences: Presences, crm: httpx.AsyncClient, figures: PeopleFigures) -> None:
    """Send away who may not stay, until cancelled."""
    while True:
        await asyncio.sleep(ASK_EVERY_S)
        # A ticket without a session is no person's of the CRM's.
        tickets = [one.ticket for one in presences.here() if one.ticket.session_id is not None]
        for at in range(0, len(tickets), PEOPLE_MAX):
            await _ask(tickets[at : at + PEOPLE_MAX], presences, crm, figures)


async def _ask(tickets: list[Ticket], presences: Presences, crm: httpx.AsyncClient, figures: PeopleFigures) -> None:
    people = tuple(InCall(one.org_id, one.user_id, one.session_id, one.seat) for one in tickets if one.session_id)
    try:
        answer = await ask_crm(crm, STANDING_PATH, StandingQuestion(people), StandingAnswer)
    except DeskAway as error:
        log.warning("people.standing_unknown", reason=error.reason, people=len(people))
        return
    if len(answer.gone) != len(people):
        log.error("people.standing_unreadable", asked=len(people), answered=len(answer.gone))
        return
    for ticket, gone in zip(tickets, answer.gone, strict=True):
        if gone is not None and presences.send_away(ticket, gone, _SENTENCES[gone]):
            figures.sent_away[gone] += 1
            log.info("people.sent_away", call_id=str(ticket.call_id), user_id=str(ticket.user_id), reason=gone)
