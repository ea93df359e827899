"""The client's half of `salesos bench people`: prospects' streams, people's pages and phones, paced by one task."""

import asyncio
import math
import time
from dataclasses import dataclass
from typing import Final

import msgspec
from aiortc import RTCCertificate

from bench.carrier_client import Caller, Tally
from bench.load_run import open_call
from bench.pacer import Pacer
from bench.people.line import Line
from bench.people.page import Live, Page, PageFailed
from bench.people.phone import CallingPhone, Phone, calling
from bench.people.sounds import Ear, Mouth
from bench.server_process import Server, read_page
from bench.stream_socket import StreamSocket, connect
from bench.utterance import Utterance
from events.ticket import Seat
from media.frame import FRAME_MS

LIVE_WITHIN_S: Final = 10.0
_LOOK_EVERY_S: Final = 0.05
_LEAVE_TIMEOUT_S: Final = 2.0


@dataclass(slots=True)
class Call:
    """A call at the carrier's end."""

    name: str
    number: int
    socket: StreamSocket
    end: Line | Caller


@dataclass(slots=True)
class Person:
    """Somebody who is in a call by sound."""

    page: Page
    phone: CallingPhone
    number: int  # of its place in the pacing


class Scene:
    """Who takes part. `tasks` is the measurement's group, and `tally` tells how late the pacing was."""

    def __init__(self, server: Server, tasks: asyncio.TaskGroup, tally: Tally) -> None:
        self.server = server
        self._tasks = tasks
        self._pacer = Pacer(tally)
        self._pacing = tasks.create_task(self._pacer.run(), name="bench.pace")
        self._certificate = RTCCertificate.generateCertificate()
        self._numbers = 0
        self._zero = time.monotonic()  # of everybody's 20 ms

    async def line(self, mouth: Mouth, ear: Ear) -> Call:
        """Have a prospect call who says and hears that.

        Raises:
            StreamRefused, OSError, TimeoutError
        """
        number = self._next()
        slot: list[Line] = []
        url = f"{self.server.stream_url}/{_name(number)}"
        socket = await connect(url, lambda text: slot[0].received(text, time.monotonic()))
        line = Line(number, mouth, ear, socket.send)
        slot.append(line)
        line.start()
        self._pacer.add(number, line, self._from(0))
        return Call(_name(number), number, socket, line)

    async def caller(self, utterance: Utterance, tally: Tally) -> Call:
        """Have a prospect of the load call, who talks with the agent and tells `tally`. Raises as `line`."""
        number = self._next()
        socket, caller = await open_call(f"{self.server.stream_url}/{_name(number)}", number, utterance, tally)
        caller.start(time.monotonic())
        self._pacer.add(number, caller, self._from(0))
        return Call(_name(number), number, socket, caller)

    async def come(self, call: Call, seat: Seat) -> Page:
        """Have a person come to a call, which may be beginning still.

        Raises:
            PageFailed
            StreamRefused, OSError, TimeoutError
        """
        until = time.monotonic() + LIVE_WITHIN_S
        while True:
            try:
                live = await self.live()
                if call.name not in live.calls:
                    raise PageFailed(f"the server does not know the call {call.name!r}")
                page = Page()
                await page.come(self.server, live, call.name, seat)
                return page
            except PageFailed:
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(_LOOK_EVERY_S)

    async def live(self) -> Live:
        """Raises OSError, TimeoutError, PageFailed."""
        try:
            return msgspec.json.decode(await read_page(self.server, "/people"), type=Live)
        except msgspec.DecodeError:
            raise PageFailed("the server lets no people in") from None

    async def sit(self, call: Call, seat: Seat, mouth: Mouth, ear: Ear, phase_ms: float = 0.0) -> Person:
        """Have a person come to a call by sound; what they say leaves `phase_ms` after the prospects' frames.

        Raises:
            PageFailed, BadAnswer, PeerFailed
            StreamRefused, OSError, TimeoutError
        """
        page = await self.come(call, seat)
        phone = await calling(Phone(mouth, ear), self._certificate, self._tasks)
        await page.join(phone.connect, phone.offer)
        return Person(page, phone, self.pace(phone.phone, phase_ms))

    def pace(self, phone: Phone, phase_ms: float = 0.0) -> int:
        """Have a phone speak from now on; returns what `rest` takes."""
        number = self._next()
        self._pacer.add(number, phone, self._from(phase_ms))
        return number

    def rest(self, number: int) -> None:
        self._pacer.remove(number)

    async def leave(self, person: Person) -> None:
        """Have them hang up and go."""
        self.rest(person.number)
        await person.phone.aclose()
        await go(person.page)

    async def hang_up(self, call: Call) -> None:
        """End a call."""
        self._pacer.remove(call.number)
        call.end.stop()
        try:
            async with asyncio.timeout(_LEAVE_TIMEOUT_S):
                await call.socket.closed.wait()
        except TimeoutError:
            call.socket.close()

    def close(self) -> None:
        """Nobody is paced any more."""
        self._pacing.cancel()

    def _next(self) -> int:
        self._numbers += 1
        return self._numbers

    def _from(self, phase_ms: float) -> float:
        """Return the next moment of everybody's 20 ms, so much later."""
        step = FRAME_MS / 1_000
        begun = self._zero + phase_ms / 1_000
        return begun + math.ceil((time.monotonic() - begun) / step) * step


async def go(page: Page) -> None:
    """Have a page leave, so that nobody waits for its person."""
    try:
        await page.ask("leave")
    finally:
        page.close()


def _name(number: int) -> str:
    return f"call-{number}"
