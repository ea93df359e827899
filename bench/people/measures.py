"""What `salesos bench people` measures, one function each: delays of sound, the click, and what people cost."""

import asyncio
import time
from dataclasses import dataclass
from typing import Final

from aiortc import RTCCertificate

from bench.carrier_client import Tally
from bench.people.bursts import EVERY_FRAMES, BurstEar, BurstMouth, delays_ms
from bench.people.calling_port import HOST
from bench.people.figures import Listened, Pace, Sound, core_each
from bench.people.page import Page, PageFailed
from bench.people.phone import Phone, calling, connect_directly
from bench.people.scene import Person, Scene, go
from bench.people.sounds import Talk, deaf
from bench.process_meter import tree_use
from bench.utterance import Utterance
from events.ticket import Seat
from media.codec import g711
from media.frame import FRAME_MS
from telephony.softphone.udp_port import open_udp_port

EVERY_S: Final = EVERY_FRAMES * FRAME_MS / 1_000
SETTLED_S: Final = 1.0  # after everybody is there: buffers have found their depth
SOUND_TIMEOUT_S: Final = 5.0
LEGS_A_CALL: Final = 2
COME_AT_ONCE: Final = 10  # listeners


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int = 5  # of mouth to ear, each a connection of its own
    bursts: int = 8  # of each way and round
    clicks: int = 40
    legs: int = 8
    listeners: int = 60
    windows: int = 2  # with people, each after one without
    window_s: float = 5.0


async def without_us(scene: Scene, bursts: int) -> list[float]:
    """Return the delays in ms between two phones that are connected directly: what is theirs of each way through us."""
    ends = [(BurstMouth(), BurstEar()) for _ in range(2)]
    port = await open_udp_port(HOST, 0)
    try:
        async with asyncio.TaskGroup() as tasks:
            calls = await calling(Phone(ends[0][0].frame, ends[0][1].hear), RTCCertificate.generateCertificate(), tasks)
            called = Phone(ends[1][0].frame, ends[1][1].hear)
            await connect_directly(calls, called, port)
            numbers = [scene.pace(calls.phone), scene.pace(called)]
            await asyncio.sleep((bursts + 1) * EVERY_S)
            for number in numbers:
                scene.rest(number)
            await calls.aclose()
            await called.aclose()
    finally:
        port.close()
    (mouth, ear), (other_mouth, other_ear) = ends
    ways = delays_ms(mouth.spoken, other_ear.heard), delays_ms(other_mouth.spoken, ear.heard)
    return [delay for way in ways for delay in way[:bursts] if delay is not None]


async def mouth_to_ear(scene: Scene, size: Size) -> Sound:
    """Measure both ways between a person who has the word and their prospect."""
    direct = await without_us(scene, size.bursts)
    to_prospect: list[float | None] = []
    to_person: list[float | None] = []
    for number in range(size.rounds):
        # The clocks of carrier, node and browser are never in step; each round has another of the ways they can stand.
        phase_ms = FRAME_MS * number / size.rounds
        line_ends, person_ends = (BurstMouth(), BurstEar()), (BurstMouth(), BurstEar())
        call = await scene.line(line_ends[0].frame, line_ends[1].hear)
        person = await scene.sit(call, Seat.REP, person_ends[0].frame, person_ends[1].hear, phase_ms)
        await person.page.ask("take_over")
        await asyncio.sleep(SETTLED_S)
        begun = time.monotonic()
        await asyncio.sleep((size.bursts + 1) * EVERY_S)
        until = time.monotonic() - EVERY_S
        await scene.leave(person)
        await scene.hang_up(call)
        for (mouth, _), (_, ear), ways in (
            (person_ends, line_ends, to_prospect),
            (line_ends, person_ends, to_person),
        ):
            delays = delays_ms(mouth.spoken, ear.heard)
            counted = [delay for delay, at in zip(delays, mouth.spoken, strict=True) if begun <= at < until]
            ways += counted
    return Sound.of(direct, to_prospect, to_person)


async def click_to_audio(scene: Scene, clicks: int, utterance: Utterance) -> list[float]:
    """Return how long in ms it takes from a click to the first frame with sound, with nothing opened before it.

    What is not in it: asking the CRM for the ticket.

    Raises:
        PageFailed: no sound came.
    """
    call = await scene.line(talk(utterance).frame, deaf)
    await go(await scene.come(call, Seat.SUPERVISOR))
    live = await scene.live()
    found = []
    for number in range(clicks):
        begun = time.monotonic()
        page = Page()
        await page.come(scene.server, live, call.name, Seat.SUPERVISOR)
        await page.ask("listen", on=True)
        try:
            async with asyncio.timeout(SOUND_TIMEOUT_S):
                heard = await page.sounded
        except TimeoutError:
            raise PageFailed(f"listen: no sound in {SOUND_TIMEOUT_S:.0f} s") from None
        found.append((heard - begun) * 1_000)
        await go(page)
        # Another place in the stretch of 60 ms each time.
        await asyncio.sleep(0.01 + number * 0.017 % 0.06)
    await scene.hang_up(call)
    return found


async def core_per_leg(scene: Scene, size: Size, utterance: Utterance) -> float:
    """Measure people who talk, two in a call: one has taken it over, one talks beside. Prospects talk all the time."""
    calls = [
        await scene.line(talk(utterance, number * 7).frame, deaf) for number in range(-(-size.legs // LEGS_A_CALL))
    ]
    people: list[Person] = []

    async def come() -> None:
        for number in range(size.legs):
            call, first = calls[number // LEGS_A_CALL], number % LEGS_A_CALL == 0
            phase_ms = FRAME_MS * number / size.legs
            person = await scene.sit(call, Seat.REP, talk(utterance, number * 11).frame, deaf, phase_ms)
            people.append(person)
            await (person.page.ask("take_over") if first else person.page.ask("role", role="rep"))

    async def leave() -> None:
        while people:
            await scene.leave(people.pop())

    costs = []
    for _ in range(size.windows):
        without = await core_used(scene, size.window_s)
        await come()
        costs.append((without, await core_used(scene, size.window_s)))
        await leave()
    for call in calls:
        await scene.hang_up(call)
    return core_each(size.legs, costs)


async def listeners(scene: Scene, size: Size, utterance: Utterance) -> tuple[float, Listened]:
    """Have many listen to one call by sockets: return the core of each, and what became of the call's own sound."""
    tally = Tally(open=True)
    call = await scene.caller(utterance, tally)
    pages: list[Page] = []
    alone, listened = Pace(), Pace()
    costs: list[tuple[float, float]] = []
    missing = frames = 0
    for _ in range(size.windows):
        with alone.counting(tally):
            without = await core_used(scene, size.window_s)
        for _ in range(size.listeners):
            page = await scene.come(call, Seat.SUPERVISOR)
            await page.ask("listen", on=True)
            pages.append(page)
        with listened.counting(tally):
            costs.append((without, await core_used(scene, size.window_s)))
        missing += sum(page.missing for page in pages)
        frames += sum(page.frames for page in pages)
        while pages:
            await go(pages.pop())
    await scene.hang_up(call)
    return core_each(size.listeners, costs), Listened(alone.seen(), listened.seen(), frames, missing)


async def core_used(scene: Scene, seconds: float) -> float:
    """Let things settle, and return what share of a core the server and its children use."""
    await asyncio.sleep(SETTLED_S)
    used, begun = tree_use(scene.server.pid).cpu_s, time.monotonic()
    await asyncio.sleep(seconds)
    return (tree_use(scene.server.pid).cpu_s - used) / (time.monotonic() - begun)


def talk(utterance: Utterance, begin_frame: int = 0) -> Talk:
    return Talk(g711.decode(utterance.ulaw), begin_frame)
