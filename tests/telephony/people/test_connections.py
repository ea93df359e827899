"""A person's sound is lost when their browser is, and not with their page's socket."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from typing import Any, cast

from aiortc import RTCCertificate

from bench.people.phone import CallingPhone, Phone, calling
from bench.people.sounds import Talk, deaf
from media.party import Party, Role
from telephony.call.person_acts import Done as Answered
from telephony.call.person_acts import Join, Leave, Lost, PersonActs, Word
from telephony.people.connections import CONNECTIONS_MAX
from telephony.people.presence import HEARD_ALONE_S, REMEMBERED_S, LiveCall, Presences
from telephony.softphone.leg import Exchange
from telephony.softphone.udp_port import open_udp_port
from tests.telephony.people.test_presence import FakeCall, FakePage, ticket
from tests.telephony.people.test_socket import House, Wire, message
from tests.telephony.softphone.browser import tune

SOUND = tune(1.0, 8_000)


class TalkingCall(FakeCall):
    """One that lets who joins by sound into a room."""

    def put(self, signal: PersonActs) -> None:
        self.acts.append(signal.act)
        party = None
        if isinstance(signal.act, Join) and signal.act.outlet is not None:
            party = Party("rep", signal.act.outlet, Role.REP_ALONE, lambda _name, _quality: None)
        signal.answer(Answered(Word.PERSON, party))


class Socket(Wire):
    """A page's websocket that says things as they come, until it breaks."""

    def __init__(self) -> None:
        super().__init__()
        self._coming: asyncio.Queue[bytes] = asyncio.Queue()
        self._came = asyncio.Event()
        self._number = 0

    async def receive(self) -> dict[str, Any]:
        raw = await self._coming.get()
        return {"type": "websocket.receive", "bytes": raw} if raw else {"type": "websocket.disconnect", "code": 1006}

    async def send_bytes(self, message: bytes) -> None:
        await super().send_bytes(message)
        self._came.set()

    def breaks(self) -> None:
        self._coming.put_nowait(b"")

    async def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        self._number += 1
        self._coming.put_nowait(message(do, self._number, **fields))
        return await self.until(lambda got: got.get("id") == self._number)

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                for got in self.got:
                    if wanted(got):
                        return got
                self._came.clear()
                await self._came.wait()


class Scene:
    """A person in a call. `timers`: how long who is waited for, and what is done then."""

    def __init__(self, exchange: Exchange, tasks: asyncio.TaskGroup) -> None:
        self.call = TalkingCall()
        self.timers: list[tuple[float, Callable[[], None]]] = []
        self.presences = Presences(lambda delay_s, work: self.timers.append((delay_s, work)))
        self.house = House()
        self.house.door = replace(self.house.door, presences=self.presences, exchange=exchange)
        self.presence = self.presences.enter(ticket(self.call), cast(LiveCall, self.call))
        self.presence.opened(FakePage())
        self.phones: list[CallingPhone] = []
        self._tasks = tasks

    async def comes(self) -> tuple[Socket, dict[str, Any]]:
        """Open a socket by the newest token; return its welcome too."""
        socket = Socket()
        self._tasks.create_task(self.house.serve(socket))
        return socket, await socket.ask("return", rejoin=self.presence.rejoin)

    async def connects(self, socket: Socket) -> CallingPhone:
        phone = await calling(Phone(Talk(SOUND).frame, deaf), RTCCertificate.generateCertificate(), self._tasks)
        self.phones.append(phone)
        answer = await socket.ask("connect", sdp=phone.offer)
        await phone.connect(answer["data"]["sdp"])
        await socket.until(lambda got: got["say"] == "connected")
        return phone

    async def breaks(self, socket: Socket) -> None:
        """The socket is gone, and the node has noticed."""
        socket.breaks()
        await settled(lambda: not self.presence.present)

    async def says(self, phone: CallingPhone, frames: int) -> int:
        """Say something; return how many frames of it came into the room."""
        leg = self.presence.leg
        assert leg is not None
        assert leg.party is not None
        before = leg.party.buffer.received
        for number in range(frames):
            phone.phone.tick(number * 0.02)
        with contextlib.suppress(TimeoutError):
            await settled(lambda: leg.party is not None and leg.party.buffer.received >= before + frames)
        return leg.party.buffer.received - before


async def settled(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not done():  # noqa: ASYNC110 - the state of another, which has no event
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def scene() -> AsyncGenerator[Scene]:
    port = await open_udp_port("127.0.0.1", 0)
    exchange = Exchange(port, RTCCertificate.generateCertificate(), ("127.0.0.1",))
    with contextlib.closing(port):
        async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
            playing = Scene(exchange, tasks)
            yield playing
            playing.presences.call_over(playing.call.call_id)
            for phone in playing.phones:
                await phone.aclose()


async def test_a_socket_that_breaks_takes_no_sound_with_it() -> None:
    async with scene() as here:
        socket, welcome = await here.comes()
        assert (welcome["connected"], welcome["word"]) == (False, "person")
        phone = await here.connects(socket)
        leg = here.presence.leg
        await here.breaks(socket)
        assert await here.says(phone, 20) == 20, "heard without a page"
        again, welcome = await here.comes()
        assert (welcome["connected"], welcome["word"]) == (True, "person")
        assert here.presence.leg is leg
        assert await here.says(phone, 20) == 20
        assert here.call.acts == [Join(), Join(leg)], "nobody missed them"
        assert [seconds for seconds, _ in here.timers] == [HEARD_ALONE_S]
        here.timers[0][1]()
        assert here.presence.present, "they came back in time"
        assert (await again.ask("mute", on=True))["say"] == "ok"
        assert leg is not None
        assert leg.muted, "the new page has the old connection in hand"


async def test_a_browser_that_goes_while_its_page_is_away_is_missed_and_then_forgotten() -> None:
    async with scene() as here:
        socket, _ = await here.comes()
        phone = await here.connects(socket)
        leg, token = here.presence.leg, here.presence.rejoin
        await here.breaks(socket)
        await phone.aclose()
        await settled(lambda: here.presence.leg is None)
        assert here.call.acts[-1] == Lost(leg)
        assert [seconds for seconds, _ in here.timers] == [HEARD_ALONE_S, REMEMBERED_S]
        here.timers[0][1]()
        assert here.presences.back(token) is here.presence, "their time began when the sound went"
        here.timers[1][1]()
        assert here.presences.back(token) is None


async def test_who_has_no_page_for_long_is_not_heard_any_longer() -> None:
    async with scene() as here:
        socket, _ = await here.comes()
        await here.connects(socket)
        leg = here.presence.leg
        await here.breaks(socket)
        here.timers[0][1]()
        await settled(lambda: here.presence.leg is None)
        assert here.call.acts[-1] == Lost(leg)
        assert len(here.presences) == 0


async def test_another_tab_ends_the_sound_of_the_first_and_the_same_page_does_not() -> None:
    async with scene() as here:
        socket, _ = await here.comes()
        await here.connects(socket)
        leg = here.presence.leg
        again, welcome = await here.comes()  # the first socket is dead, and the node has not noticed
        assert welcome["connected"]
        assert (await socket.until(lambda got: got["say"] == "over"))["code"] == "replaced"
        assert here.presence.leg is leg
        assert here.presences.enter(here.presence.ticket, cast(LiveCall, here.call)) is here.presence
        await settled(lambda: here.presence.leg is None)
        assert here.call.acts[-1] == Lost(leg)
        again.breaks()


async def test_the_next_connection_takes_the_place_of_one_that_came_by_a_broken_socket() -> None:
    async with scene() as here:
        socket, _ = await here.comes()
        await here.connects(socket)
        first = here.presence.leg
        await here.breaks(socket)
        again, _ = await here.comes()
        phone = await here.connects(again)
        await settled(lambda: len(here.presence.connections) == 1)
        second = here.presence.leg
        assert second is not first
        assert here.call.acts == [Join(), Join(first), Join(second), Lost(first)]
        assert await here.says(phone, 5) == 5


async def test_who_leaves_leaves_with_their_sound() -> None:
    async with scene() as here:
        socket, _ = await here.comes()
        await here.connects(socket)
        leg = here.presence.leg
        await here.breaks(socket)
        again, _ = await here.comes()
        await again.ask("leave")
        await settled(lambda: not here.presence.connections)
        assert here.call.acts[-2:] == [Leave(), Lost(leg)]


async def test_connections_that_never_stand_make_room_for_newer_ones() -> None:
    async with scene() as here:
        socket, _ = await here.comes()
        for _ in range(CONNECTIONS_MAX + 2):
            phone = await calling(Phone(Talk(SOUND).frame, deaf), RTCCertificate.generateCertificate(), here._tasks)
            here.phones.append(phone)
            assert (await socket.ask("connect", sdp=phone.offer))["say"] == "ok"
        await settled(lambda: len(here.presence.connections) <= CONNECTIONS_MAX)
        assert (await socket.ask("connect", sdp="v=0"))["code"] == "bad_offer"
