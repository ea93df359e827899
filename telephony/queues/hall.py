"""One node's part in queues: the pages that attend here, the letters between them and waiting calls, and its calls.

One for the process; a call gets it by its services.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol
from uuid import UUID

import redis.asyncio as redis
import structlog
from fastapi import WebSocket

from events.attendance import AttendanceTicket
from events.ids import new_id
from events.plan import CallPlan
from events.ticket import LIFETIME_S, Ticket, seal
from events.ticket import Seat as Kind
from telephony.call.people import CallPeople
from telephony.people.page_socket import PageSocket
from telephony.queues import messages, verbs
from telephony.queues.attendance import Attendance, Person
from telephony.queues.news import QueueTold, RepAnswered
from telephony.queues.offers import Answered, Letter, Settled
from telephony.queues.post import Post
from telephony.queues.seat import Seat
from telephony.tickets import use_attendance

log = structlog.get_logger()

PING_EVERY_S: Final = 4
SILENT_S: Final = 10.0  # a network that is lost takes its person out of the queues by then
SEATS_MAX: Final = 5_000  # pages that attend at one node


class HallFull(Exception):
    """No more pages may attend here."""


class WaitingCall(Protocol):
    """What of a call a letter reaches."""

    @property
    def put(self) -> Callable[[QueueTold], None]: ...


class Hall:
    """`run` is its task; the rest is called on the loop."""

    def __init__(
        self,
        node: str,
        address: str,
        key: str,
        client: redis.Redis,
        find: Callable[[UUID], WaitingCall | None],
        talking: Callable[[], Iterable[tuple[Person, UUID]]],
    ) -> None:
        """`address`: of the websocket where people come to this node's calls; `key`: that tickets are signed with."""
        self.node = node
        self.redis = client
        self.attendance = Attendance(client, talking)
        self.post = Post(node, client, self._take)
        self._address = address
        self._key = key
        self._find = find
        self._seats: dict[UUID, Seat] = {}

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.attendance.run(), name="seats.attendance")
            tasks.create_task(self.post.run(), name="seats.post")

    # Pages

    async def admit(self, body: messages.Attend) -> AttendanceTicket:
        """Raises TicketRefused, HallFull."""
        if len(self._seats) >= SEATS_MAX:
            raise HallFull
        return await use_attendance(body.ticket, self._key, self.redis)

    async def serve(self, socket: WebSocket, number: int, body: messages.Attend, ticket: AttendanceTicket) -> None:
        """Let a page attend until it ends."""
        page = PageSocket(socket, lambda asked, raw: verbs.obey(seat, asked, raw), SILENT_S)
        seat = Seat(ticket, self.node, page, body.ready, self.post.send, self.attendance.changed)
        for other in [one for one in self._seats.values() if one.person == seat.person]:
            other.replaced()
        self._seats[seat.id] = seat
        self.attendance.open(seat)
        page.tell(messages.Attending(number, ticket.name, seat.ready, PING_EVERY_S))
        log.info("seat.opened", user_id=str(ticket.user_id), ready=seat.ready)
        try:
            await page.serve()
        finally:
            del self._seats[seat.id]
            self.attendance.close(seat)
        await page.say_over()

    def tickets(self) -> list[AttendanceTicket]:
        """Return by what the pages attend."""
        return [seat.ticket for seat in self._seats.values()]

    def send_away(self, ticket: AttendanceTicket, code: str) -> bool:
        """Let a page attend no more whose person may not; False when it is gone already."""
        seats = [seat for seat in self._seats.values() if seat.ticket is ticket]
        for seat in seats:
            seat.page.end(code, "You are signed out, or your role takes no calls any more: none come to this page.")
        return bool(seats)

    # Letters

    def _take(self, letter: Letter) -> None:
        if isinstance(letter, Answered):
            call = self._find(letter.call_id)
            if call is not None:
                call.put(QueueTold(RepAnswered(letter)))
            elif letter.accepts:
                self.settle(letter, "")
            return
        seat = self._seats.get(letter.seat)
        if seat is not None:  # else the page is gone, and the call sees it
            seat.take(letter)

    def settle(self, answered: Answered, ticket: str) -> None:
        """Tell a page what came of taking a caller; without a ticket it was too late."""
        address = self._address if ticket else ""
        settled = Settled(
            answered.org_id, answered.user_id, answered.seat, answered.call_id, answered.number, ticket, address
        )
        self.post.send(answered.node, settled)

    def ticket_for(self, answered: Answered, name: str) -> str:
        """Return a ticket to the call for whoever takes it: whom the CRM let attend may come to what rang there."""
        now_s = int(time.time())
        ticket = Ticket(
            id=new_id(),
            org_id=answered.org_id,
            call_id=answered.call_id,
            user_id=answered.user_id,
            name=name,
            role=answered.role,
            session_id=answered.session_id,
            seat=Kind.REP,
            issued_at=now_s,
            expires_at=now_s + LIFETIME_S,
        )
        return seal(ticket, self._key)


class TalkedIn(Protocol):
    """A call, and who is in it."""

    plan: CallPlan

    @property
    def people(self) -> CallPeople: ...


def people_in(calls: Iterable[TalkedIn]) -> Iterator[tuple[Person, UUID]]:
    """Yield everybody who is in one of the calls as a rep: nobody rings them meanwhile."""
    for call in calls:
        for seated in call.people.seated:
            if seated.person.seat is Kind.REP and seated.came:
                yield (call.plan.org_id, seated.person.user_id), call.plan.call_id
