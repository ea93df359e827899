"""People's tickets on the voice side: unsealed, and used in Redis before anybody is let in, once across all nodes."""

import time

import redis.asyncio as redis
import structlog

from events import wire
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
    try:
        fresh = await first_use(store, wire.ticket_key(ticket.id), wire.TICKET_TTL_S)
    except RedisAway:
        raise TicketRefused("redis_away") from None
    if not fresh:
        log.warning("ticket.used_twice", user_id=str(ticket.user_id), call_id=str(ticket.call_id))
        raise TicketRefused("ticket_used")
    return ticket
