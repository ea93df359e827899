"""`salesos bench failover`: kills each provider amid whole conversations with a voice server, and hears what is left.

The server is the bench's, in a process of its own: the product's call path with its own providers and the official
SDKs. Providers have a process each, and know a call by its key, which is sealed in its plan. The calls come as a
carrier's streams over real sockets. What is said is coded speech, so that the words that were played, and the silences,
can be read from the sound that arrived at the carrier's end.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
import structlog

from bench.carrier_client import Tally
from bench.failover import case as cases
from bench.failover.case import ANSWERS, KILLED, MODELS, RECOGNISERS, VOICES, Case
from bench.failover.judging import DEAD_AIR_MAX_S, CallFound, judge, words_heard
from bench.failover.prospect import Prospect
from bench.failover.vendor import Setting
from bench.failover.vendors import Vendors, vendor_processes
from bench.load_report import Spread, spread
from bench.pacer import Pacer
from bench.providers.process import Behind
from bench.server_process import Server, our_command, read_told, running
from bench.stream_socket import StreamRefused, connect
from bench.utterance import Utterance, speak_two_seconds
from events import call as events
from events.plan import Providers

log = structlog.get_logger()

CALL_TIMEOUT_S: Final = 90.0
CLOSE_TIMEOUT_S: Final = 10.0
TOLD_TIMEOUT_S: Final = 20.0  # from a call's end until its events can be read
APART_S: Final = 0.35  # between the first calls
_LOOK_EVERY_S: Final = 0.25
_PROVIDERS: Final = Providers(
    RECOGNISERS[0], VOICES[0], MODELS[0], MODELS[1:], stt_fallbacks=RECOGNISERS[1:], tts_fallbacks=VOICES[1:]
)


class FailoverReport(msgspec.Struct, frozen=True, kw_only=True):
    calls: int
    at_once: int
    seed: int
    seconds: float
    went_on: int
    struck: int  # calls to which a provider died as their case wanted it
    killed: int  # processes of providers, each amid all calls that were going on
    by_fault: dict[str, tuple[int, int]]  # "victim fault" to calls, and those without a fault
    took_over: int  # calls in which another model was asked
    dead_air_ms: Spread  # the longest silence of each call that the agent's sound ended, by the carrier's clock
    dead_air: int  # calls in which it was longer than a caller accepts; a stalled machine shows here too
    late_ms: Spread  # how late the carrier's own frames left
    requests: dict[str, int]  # to models, by what became of them
    tokens: dict[str, int]
    faults: tuple[str, ...]
    found: tuple[CallFound, ...]

    @property
    def good(self) -> bool:
        return not self.faults


@dataclass(frozen=True, slots=True)
class _Over:
    """A call that is over, as it was at the carrier's end."""

    case: Case
    prospect: Prospect
    began: float
    ended: float
    outcome: str  # if the carrier knows it


class _Bench:
    """Calls against one server and its providers."""

    def __init__(self, server: Server, vendors: Vendors, utterance: Utterance, seed: int, turns: int) -> None:
        self.tally = Tally(open=True)
        self.found: list[CallFound] = []
        self.used: list[events.ModelUsed] = []
        self._server = server
        self._vendors = vendors
        self._utterance = utterance
        self._seed = seed
        self._answers = ANSWERS[:turns]
        self._known = cases.vocabulary()
        self._pacer = Pacer(self.tally)

    async def place(self, calls: int, at_once: int, tell: Callable[[CallFound], None]) -> None:
        numbers = iter(range(calls))
        async with asyncio.TaskGroup() as tasks:
            pacing = tasks.create_task(self._pacer.run(), name="bench.pace")
            async with asyncio.TaskGroup() as slots:
                for index in range(min(at_once, calls)):
                    slots.create_task(self._slot(slots, numbers, index * APART_S, tell), name="bench.slot")
            pacing.cancel()

    async def _slot(
        self, tasks: asyncio.TaskGroup, numbers: Iterator[int], after_s: float, tell: Callable[[CallFound], None]
    ) -> None:
        await asyncio.sleep(after_s)
        for number in numbers:
            over = await self._call(number)
            # The next call does not wait until this one's events lie in Redis.
            tasks.create_task(self._look_back(over, tell), name="bench.look_back")

    async def _call(self, number: int) -> _Over:
        case = cases.draw(number, self._seed, len(self._answers))
        began = time.monotonic()
        slot: list[Prospect] = []
        last_words = [answer.split()[-1] for answer in self._answers]
        try:
            url = f"{self._server.stream_url}/{case.key}"
            socket = await connect(url, lambda text: slot[0].received(text, time.monotonic()))
        except (StreamRefused, OSError, TimeoutError) as error:
            nobody = Prospect(number, self._utterance, (), self._known, lambda _: None, began)
            return _Over(case, nobody, began, time.monotonic(), f"not taken: {error!r}")
        prospect = Prospect(number, self._utterance, last_words, self._known, socket.send, began)
        slot.append(prospect)
        prospect.start()
        self._pacer.add(number, prospect, began + number % 20 / 1000)
        outcome = ""
        try:
            while not socket.closed.is_set():
                now = time.monotonic()
                if prospect.lost_patience(now) or now > began + CALL_TIMEOUT_S:
                    outcome = "the prospect waited in vain"
                    break
                await _within(_LOOK_EVERY_S, socket.closed)
            ended = time.monotonic()
            self._pacer.remove(number)
            if outcome:
                prospect.stop()
                await _within(CLOSE_TIMEOUT_S, socket.closed)
        finally:
            self._pacer.remove(number)
            socket.close()
        return _Over(case, prospect, began, ended, outcome)

    async def _look_back(self, over: _Over, tell: Callable[[CallFound], None]) -> None:
        told = await self._told(over.case.key)
        self.used += [body for body in told if isinstance(body, events.ModelUsed)]
        found = judge(_found(over, told, self._vendors), self._answers)
        self.found.append(found)
        tell(found)

    async def _told(self, name: str) -> list[events.Body]:
        """Return what a call told of itself; nothing when that does not come in time."""
        try:
            async with asyncio.timeout(TOLD_TIMEOUT_S):
                while True:
                    told = await read_told(self._server, name)
                    if told is not None:
                        return told
                    await asyncio.sleep(_LOOK_EVERY_S)
        except (TimeoutError, OSError, msgspec.MsgspecError) as error:
            log.error("failover.untold", call=name, reason=type(error).__name__)
            return []


async def measure(
    calls: int, at_once: int, seed: int, tell: Callable[[CallFound], None], turns: int = len(ANSWERS)
) -> FailoverReport:
    """Hold so many calls of so many answers; `tell` hears of each when it is over. Raises ServerFailed."""
    began = time.monotonic()
    utterance = await asyncio.to_thread(speak_two_seconds)
    setting = Setting(seed, turns, utterance.ulaw, utterance.first_voiced)
    async with vendor_processes(setting) as vendors:
        behind = Behind(vendors.urls, providers=_PROVIDERS, tools=("end_call",), stock_phrases=True)
        async with running(our_command(at_once * 2, -1, behind=behind)) as server:
            bench = _Bench(server, vendors, utterance, seed, turns)
            await bench.place(calls, at_once, tell)
    found = sorted(bench.found, key=lambda over: over.number)
    kinds = sorted({f"{over.victim} {over.fault}" for over in found})
    of_kind = {kind: [over for over in found if f"{over.victim} {over.fault}" == kind] for kind in kinds}
    tokens: Counter[str] = Counter()
    for one in bench.used:
        tokens[one.fate] += one.prompt_tokens + one.completion_tokens
    return FailoverReport(
        calls=len(found),
        at_once=at_once,
        seed=seed,
        seconds=round(time.monotonic() - began, 1),
        went_on=sum(over.outcome == "goal_reached" for over in found),
        struck=sum(bool(over.struck) for over in found),
        killed=sum(strike.fault == KILLED for _, strike in vendors.strikes),
        by_fault={kind: (len(mine), sum(not over.faults for over in mine)) for kind, mine in of_kind.items()},
        took_over=sum(over.took_over for over in found),
        dead_air_ms=spread([over.dead_air_s * 1000 for over in found]),
        dead_air=sum(over.dead_air_s > DEAD_AIR_MAX_S for over in found),
        late_ms=spread(bench.tally.late_ms),
        requests=dict(Counter(one.fate for one in bench.used)),
        tokens=dict(tokens),
        faults=tuple(
            f"call {over.number} ({over.victim} {over.fault}): {fault}" for over in found for fault in over.faults
        ),
        found=tuple(found),
    )


def _found(over: _Over, told: Sequence[events.Body], vendors: Vendors) -> CallFound:
    turns = [body for body in told if isinstance(body, events.TurnFinished)]
    finished = [body for body in told if isinstance(body, events.Finished)]
    said = f"{finished[-1].outcome.value} {finished[-1].reason}".strip() if finished else "no event tells its end"
    return CallFound(
        over.case.number,
        over.case.victim,
        over.case.fault,
        f"{over.outcome}, {said}" if over.outcome else said,
        tuple(words_heard(over.prospect.heard())),
        tuple(turn.heard_text for turn in turns if turn.speaker is events.Speaker.AGENT),
        tuple(turn.text for turn in turns if turn.speaker is events.Speaker.CALLER),
        round(over.prospect.longest_wait_s(), 3),
        took_over=any(isinstance(body, events.ModelUsed) and body.rank for body in told),
        struck=vendors.struck(over.case.number),
        killed=vendors.killed(over.began, over.ended),
    )


async def _within(seconds: float, happened: asyncio.Event) -> None:
    """Wait until it happened, so long at most."""
    try:
        async with asyncio.timeout(seconds):
            await happened.wait()
    except TimeoutError:
        pass
