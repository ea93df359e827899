"""People's tickets on the voice side: unsealed, and used in Redis before anybody is let in, once across all nodes."""

import time
from uuid import UUID

import redis.asyncio as redis
import structlog

from events import attendance, wire
from events.attendance import AttendanceTicket
from events.ticket import BadTicket, Ticket, unseal
from telephony.first_use import RedisAway, first_use

log = structlog.get_logger()


class TicketRefused(Exception):
    """Nobody comes in on it; `code` says why, as docs/guides/people-on-calls.md explains."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


async def use_ticket(token: str, key: str, store: redis.Redis) -> Ticket:
    """Return the ticket in `token`, which is used up by it.

    Raises:
        TicketRefused: it is not one of the CRM's, its minute is over, it was used before, or that cannot be asked.
    """
    try:
        ticket = unseal(token, key, time.time())
    except BadTicket as error:
        log.warning("ticket.refused", reason=str(error))
        raise TicketRefused("ticket_refused") from None
    await _use_up(ticket.id, ticket.user_id, store)
    return ticket


async def use_attendance(token: str, key: str, store: redis.Redis) -> AttendanceTicket:
    """The same for a ticket by which a page attends. Raises TicketRefused."""
    try:
        ticket = attendance.unseal(token, key, time.time())
    except attendance.BadAttendance as error:
        log.warning("ticket.refused", reason=str(error))
        raise TicketRefused("ticket_refused") from None
    await _use_up(ticket.id, ticket.user_id, store)
    return ticket


async def _use_up(ticket_id: UUID, user_id: UUID, store: redis.Redis) -> None:
    try:
        fresh = await first_use(store, wire.ticket_key(ticket_id), wire.TICKET_TTL_S)
    except RedisAway:
        raise TicketRefused("redis_away") from None
    if not fresh:
        log.warning("ticket.used_twice", user_id=str(user_id), ticket_id=str(ticket_id))
        raise TicketRefused("ticket_used")
