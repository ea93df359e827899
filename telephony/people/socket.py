"""`/n/{node}/people`: the one socket that a person's page has to the node for a call.

The page's origin is looked at before the socket opens, its ticket in the first message. From then on it is commands
one way, each answered, and answers and news the other. What is too slow, too many or too long ends that socket alone:
the sound goes by connections of its own (connections.py), which stay while the page comes back.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final
from uuid import UUID

import redis.asyncio as redis
import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from telephony.call.person_acts import Join
from telephony.people import messages
from telephony.people.connections import begin_connection
from telephony.people.figures import PeopleFigures
from telephony.people.page_socket import SEND_TIMEOUT_S, SILENT_S, PageSocket, receive
from telephony.people.presence import LiveCall, NotDone, Presence, Presences
from telephony.people.verbs import Verb, obey
from telephony.queues.hall import Hall, HallFull
from telephony.queues.messages import Attend
from telephony.softphone.ice_servers import IceServer, for_person
from telephony.softphone.leg import Exchange, SoftphoneLeg
from telephony.tickets import TicketRefused, use_ticket

log = structlog.get_logger()

FIRST_MESSAGE_S: Final = 10.0
PING_EVERY_S: Final = 15
STRANGERS_MAX: Final = 100  # sockets that have shown no ticket yet
UNWELCOME: Final = 4003  # a close code of our own (RFC 6455 §7.4.2)

_SENTENCES: Final = {
    "bad_message": "The first message must be come with a ticket, or return with a rejoin token.",
    "ticket_refused": "The ticket is not good here, or its minute is over: ask the CRM for another one.",
    "ticket_used": "The ticket was used before: ask the CRM for another one.",
    "redis_away": "Tickets cannot be checked now: try again in a moment.",
    "call_not_here": "The call is not at this node, or it is over.",
    "nobody_attends_here": "This node takes no calls for people: ask the CRM for another ticket.",
    "full": "As many pages attend here as the node takes: ask the CRM for another ticket.",
    "rejoin_refused": "The call does not wait for you any more: come with a ticket.",
}


@dataclass(frozen=True, slots=True)
class Door:
    """What letting people in takes; one for the process."""

    key: str  # that tickets are signed with
    redis: redis.Redis
    find: Callable[[UUID], LiveCall | None]
    presences: Presences
    exchange: Exchange
    verbs: Mapping[str, Verb]
    origins: frozenset[str]
    ice_servers: tuple[IceServer, ...] = ()
    relay_only: bool = False
    hall: Hall | None = None  # None: no page attends here
    figures: PeopleFigures = field(default_factory=PeopleFigures)
    strangers: set[WebSocket] = field(default_factory=set)

    def admits_origin(self, origin: str | None) -> bool:
        """Programs name no origin; a page's must be one of ours."""
        return origin is None or origin in self.origins


class Unwelcome(Exception):
    """Nobody comes in by that; `code` says why."""

    def __init__(self, code: str, sentence: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence or _SENTENCES[code]


def people_routes(node: str, door: Callable[[], Door | None]) -> APIRouter:
    """Return the route; `door` gives None while the process starts."""
    router = APIRouter()

    @router.websocket(f"/n/{node}/people")
    async def people(socket: WebSocket) -> None:
        ours = door()
        origin = socket.headers.get("origin")
        if ours is None or not ours.admits_origin(origin) or len(ours.strangers) >= STRANGERS_MAX:
            # Closed before it was accepted: the server answers 403.
            log.warning("people.refused", origin=origin)
            if ours is not None:
                ours.figures.refused["origin" if not ours.admits_origin(origin) else "too_many"] += 1
            await socket.close()
            return
        await socket.accept()
        # A peer that is gone is noticed by whoever reads; nothing more can be said to it.
        with contextlib.suppress(WebSocketDisconnect, TimeoutError):
            await _serve(socket, ours)

    return router


async def _serve(socket: WebSocket, door: Door) -> None:
    number = 0
    try:
        door.strangers.add(socket)
        try:
            async with asyncio.timeout(FIRST_MESSAGE_S):
                raw = await receive(socket)
                asked = _first(raw)
                number = asked.id
                serve = await _attend(asked, raw, door) if asked.do == "attend" else await _come(asked, raw, door)
        finally:
            door.strangers.discard(socket)
        await serve(socket)
    except Unwelcome as error:
        door.figures.refused[error.code] += 1
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_bytes(messages.write(messages.Refused(number, error.code, error.sentence)))
            await socket.close(UNWELCOME, error.code)


Serving = Callable[[WebSocket], Awaitable[None]]


async def _come(asked: messages.Asked, raw: bytes, door: Door) -> Serving:
    """Let somebody into a call, and return what serves their page. Raises Unwelcome."""
    presence = await _enter(asked, raw, door)

    async def serve(socket: WebSocket) -> None:
        page = PersonSocket(socket, door, presence)
        await page.begin(asked.id)
        await page.run()

    return serve


async def _attend(asked: messages.Asked, raw: bytes, door: Door) -> Serving:
    """Let a page attend, and return what serves it. Raises Unwelcome."""
    hall = door.hall
    try:
        body = messages.read_body(raw, Attend)
        if hall is None:
            raise Unwelcome("nobody_attends_here")
        ticket = await hall.admit(body)
    except messages.BadMessage as error:
        raise Unwelcome("bad_message", f"{_SENTENCES['bad_message']} ({error})") from None
    except TicketRefused as error:
        raise Unwelcome(error.code) from None
    except HallFull:
        raise Unwelcome("full") from None
    return partial(hall.serve, number=asked.id, body=body, ticket=ticket)


def _first(raw: bytes) -> messages.Asked:
    """Raises Unwelcome."""
    try:
        return messages.read(raw)
    except messages.BadMessage as error:
        raise Unwelcome("bad_message", f"{_SENTENCES['bad_message']} ({error})") from None


async def _enter(asked: messages.Asked, raw: bytes, door: Door) -> Presence:
    """Return whose presence the first message opens. Raises Unwelcome."""
    try:
        match asked.do:
            case "come":
                return await _by_ticket(messages.read_body(raw, messages.Come).ticket, door)
            case "return":
                presence = door.presences.back(messages.read_body(raw, messages.Return).rejoin)
                if presence is None:
                    raise Unwelcome("rejoin_refused")
                return presence
    except messages.BadMessage as error:
        raise Unwelcome("bad_message", f"{_SENTENCES['bad_message']} ({error})") from None
    raise Unwelcome("bad_message")


async def _by_ticket(token: str, door: Door) -> Presence:
    try:
        ticket = await use_ticket(token, door.key, door.redis)
    except TicketRefused as error:
        raise Unwelcome(error.code) from None
    call = door.find(ticket.call_id)
    if call is None or call.plan.org_id != ticket.org_id:
        raise Unwelcome("call_not_here")
    return door.presences.enter(ticket, call)


class PersonSocket:
    """One page's. Implements `Page` and `Place`."""

    def __init__(self, socket: WebSocket, door: Door, presence: Presence) -> None:
        self.presence = presence
        self._door = door
        self._socket = PageSocket(socket, lambda asked, raw: obey(door.verbs, self, asked, raw), SILENT_S)
        self.tell, self.feed, self.end = self._socket.tell, self._socket.feed, self._socket.end
        self._at_end: list[Callable[[], None]] = []
        self._connections: asyncio.TaskGroup

    async def begin(self, number: int) -> None:
        """Be the person's page from here on, and welcome them. Raises Unwelcome."""
        presence, word = self.presence, ""
        fresh, connected = not presence.heard, presence.leg is not None
        presence.opened(self)
        if fresh:
            # Who was heard a moment ago is back when they are heard again: until then the prospect is seen to.
            try:
                word = (await presence.act(Join())).word.value
            except NotDone as error:
                self._door.presences.closed(presence, self)
                raise Unwelcome(error.code, error.sentence) from None
        elif connected:
            word = presence.call.people.standing.word.value
        person = presence.person
        self.tell(
            messages.Welcome(
                number,
                person.id,
                person.name,
                presence.ticket.seat.value,
                presence.call.state.value,
                presence.rejoin,
                for_person(self._door.ice_servers, person.id, time.time()),
                self._door.relay_only,
                PING_EVERY_S,
                word,
                connected,
            )
        )
        presence.follow_end()
        log.info("people.came", call_id=str(presence.call.call_id), person=person.id, back=not fresh)

    async def run(self) -> None:
        """Serve the page until it, the call, or the next page ends it, and its connections to their end."""
        async with asyncio.TaskGroup() as self._connections:
            await self._serve()
            await self._socket.say_over()

    async def _serve(self) -> None:
        figures = self._door.figures
        figures.pages += 1
        try:
            await self._socket.serve()
        finally:
            figures.pages -= 1
            figures.shed += self._socket.shed
            for work in self._at_end:
                work()
            self._door.presences.closed(self.presence, self)

    # Place

    def connect(self, sdp: str) -> SoftphoneLeg:
        """Begin a peer connection. Raises NotDone."""
        door = self._door
        return begin_connection(self.presence, sdp, door.exchange, door.presences, door.figures, self._connections)

    def leave(self) -> None:
        self._door.presences.leave(self.presence)
        self.end("left", "You have left the call.")

    def at_end(self, work: Callable[[], None]) -> None:
        self._at_end.append(work)
