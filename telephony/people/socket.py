"""`/n/{node}/people`: the one socket that a person's page has to the node for a call.

The page's origin is looked at before the socket opens, its ticket in the first message. From then on it is commands
one way, each answered, and answers and news the other. What is too slow, too many or too long ends that socket alone:
the sound goes by connections of its own (connections.py), which stay while the page comes back.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import redis.asyncio as redis
import structlog
from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from telephony.call.person_acts import Join
from telephony.people import messages
from telephony.people.connections import begin_connection
from telephony.people.figures import PeopleFigures
from telephony.people.outgoing import Outgoing
from telephony.people.pace import Pace
from telephony.people.presence import LiveCall, NotDone, Presence, Presences
from telephony.people.verbs import Verb, obey
from telephony.softphone.ice_servers import IceServer, for_person
from telephony.softphone.leg import Exchange, SoftphoneLeg
from telephony.tickets import TicketRefused, use_ticket

log = structlog.get_logger()

FIRST_MESSAGE_S: Final = 10.0
PING_EVERY_S: Final = 15
SILENT_S: Final = 40.0  # two pings and more are missing
SEND_TIMEOUT_S: Final = 5.0
STRANGERS_MAX: Final = 100  # sockets that have shown no ticket yet
REFUSED_IN_A_ROW_MAX: Final = 100
# Close codes of our own (RFC 6455 §7.4.2).
CLOSED: Final = 4000
UNWELCOME: Final = 4003

_SENTENCES: Final = {
    "bad_message": "The first message must be come with a ticket, or return with a rejoin token.",
    "ticket_refused": "The ticket is not good here, or its minute is over: ask the CRM for another one.",
    "ticket_used": "The ticket was used before: ask the CRM for another one.",
    "redis_away": "Tickets cannot be checked now: try again in a moment.",
    "call_not_here": "The call is not at this node, or it is over.",
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
                raw = await _receive(socket)
                asked = _first(raw)
                number = asked.id
                presence = await _enter(asked, raw, door)
        finally:
            door.strangers.discard(socket)
        page = PersonSocket(socket, door, presence)
        await page.begin(number)
    except Unwelcome as error:
        door.figures.refused[error.code] += 1
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_bytes(messages.write(messages.Refused(number, error.code, error.sentence)))
            await socket.close(UNWELCOME, error.code)
        return
    await page.run()


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


async def _receive(socket: WebSocket) -> bytes:
    """Return the next message; one in text is none of ours, and empty."""
    message = await socket.receive()
    if message["type"] == "websocket.disconnect":
        raise WebSocketDisconnect(message.get("code", 1006))
    return message.get("bytes") or b""


class _Ended(Exception):
    """Ends the socket's task group."""


class PersonSocket:
    """One page's. Implements `Page` and `Place`."""

    def __init__(self, socket: WebSocket, door: Door, presence: Presence) -> None:
        self.presence = presence
        self._socket = socket
        self._door = door
        self._outgoing = Outgoing()
        self._over: messages.Over | None = None
        self._ended = asyncio.Event()
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
            await self._say_over()

    async def _serve(self) -> None:
        figures = self._door.figures
        figures.pages += 1
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(), name="people.read")
                tasks.create_task(self._write(), name="people.write")
                await self._ended.wait()
                raise _Ended
        except* _Ended:
            pass
        finally:
            figures.pages -= 1
            figures.shed += self._outgoing.shed
            for work in self._at_end:
                work()
            self._door.presences.closed(self.presence, self)

    # Page

    def tell(self, message: messages.Sent) -> None:
        self._outgoing.tell(messages.write(message))
        if self._outgoing.overrun:
            self.end("too_slow", "Your connection does not take what the call has to tell.")

    def feed(self, frame: bytes) -> None:
        self._outgoing.feed(frame)

    def end(self, code: str, sentence: str) -> None:
        if self._over is None:
            self._over = messages.Over(code, sentence)
            self._ended.set()

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

    # Its tasks

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        pace = Pace(loop.time())
        while True:
            try:
                async with asyncio.timeout(SILENT_S):
                    raw = await _receive(self._socket)
            except TimeoutError:
                self.end("silent", f"Nothing came from your page for {SILENT_S:.0f} seconds.")
                return
            except WebSocketDisconnect:
                self.end("gone", "")
                return
            try:
                asked = messages.read(raw)
            except messages.BadMessage as error:
                self.end("bad_message", str(error))
                return
            if pace.allows(loop.time()):
                self.tell(await obey(self._door.verbs, self, asked, raw))
            elif pace.refused > REFUSED_IN_A_ROW_MAX:
                self.end("too_fast", "Your page sends far too many commands.")
                return
            else:
                self.tell(messages.Refused(asked.id, "too_fast", "That is too many commands at once: wait a moment."))

    async def _write(self) -> None:
        while True:
            message = await self._outgoing.get()
            try:
                async with asyncio.timeout(SEND_TIMEOUT_S):
                    await self._socket.send_bytes(message)
            except (TimeoutError, WebSocketDisconnect, RuntimeError):
                # RuntimeError: starlette's word for a socket that has closed.
                self.end("gone", "")
                return

    async def _say_over(self) -> None:
        over = self._over
        if over is None or over.code == "gone":
            return
        with contextlib.suppress(TimeoutError, WebSocketDisconnect, RuntimeError):
            async with asyncio.timeout(SEND_TIMEOUT_S):
                while len(self._outgoing):  # answers come before the end that they led to
                    await self._socket.send_bytes(await self._outgoing.get())
                await self._socket.send_bytes(messages.write(over))
                await self._socket.close(CLOSED, over.code)
