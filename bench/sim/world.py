"""One simulated call: the product's session, conversation, gateway and outbox in a world drawn from a seed."""

import asyncio
import contextlib
import random
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, cast
from uuid import UUID

import redis.asyncio as redis
from obstore.store import MemoryStore

from agent.llm.port import Delta, Model, Request
from bench.sim.colleague import Colleague
from bench.sim.crm import SimCrm, SimRedis
from bench.sim.exchange import Disorder, Exchange
from bench.sim.line import MUSIC, SimLine
from bench.sim.loop import START_S, SimLoop, run_virtual
from bench.sim.mouths import Lexicon
from bench.sim.person import HungUp, Person
from bench.sim.personas import MACHINES, PERSONAS
from bench.sim.providers import Providers
from bench.sim.record import Asked, Record
from bench.sim.scenario import TAKES_OVER, VISITS, Scenario
from bench.sim.sound import Hearing, SegmentRoom
from bench.sim.visitor import Visitor
from events.call import TERMINAL, State, StateChanged
from events.plan import Agent, CallPlan, Prospect, RecordWhen
from media.activity.silero import Silero
from media.frame import FRAME_MS, RATE_HZ
from media.recording.store import Bucket
from telephony.call import signals as sig
from telephony.call.archive import Archive
from telephony.call.services import Services
from telephony.call.session import CallSession
from telephony.carrier_port import CallOrder
from telephony.outbox import COMMIT_CHECK_S, Outbox

NUMBER: Final = "+12025550177"
_WALL: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)
_PER_MINUTE: Final = 1_200
_MAX_S: Final = 600
# Longer than any call may last, its guards and a carrier that says nothing included.
_CALL_MAX_S: Final = _MAX_S + 300.0
_DRAIN_S: Final = 60.0
_COMMIT_S: Final = 2 * COMMIT_CHECK_S + 1.0  # for the outbox to look what the CRM has committed
_TICK_S: Final = 0.04  # twice the product's: the lead allows for it, and it halves what a silent minute costs
_MIX_TICK_S: Final = 0.02  # the product's, where what is heard is mixed tick by tick
_MACHINE_BEEP_S: Final = 9.0


class SimTicker:
    """Implements `media.agent_voice.Ticker` by timers of the loop."""

    def __init__(self, tick_s: float) -> None:
        self._tick_s = tick_s
        self._loop = asyncio.get_running_loop()
        self._subscribers: dict[Callable[[], None], None] = {}
        self._timer: asyncio.TimerHandle | None = None

    def subscribe(self, tick: Callable[[], None]) -> None:
        self._subscribers[tick] = None
        if self._timer is None:
            self._timer = self._loop.call_later(self._tick_s, self._tick)

    def unsubscribe(self, tick: Callable[[], None]) -> None:
        self._subscribers.pop(tick, None)

    def _tick(self) -> None:
        self._timer = None
        for tick in tuple(self._subscribers):
            tick()
        if self._subscribers:
            self._timer = self._loop.call_later(self._tick_s, self._tick)


@dataclass(frozen=True, slots=True)
class _Witnessed:
    """A model that notes what it is asked."""

    model: Model
    note: Callable[[Request], None]

    def reply(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.note(request)
        return self.model.reply(request)


class World:
    """`run` holds the one call of it."""

    def __init__(self, scenario: Scenario, folder: Path, loop: SimLoop) -> None:
        self.record = Record(scenario.seed, scenario.persona, scenario.faults, is_machine=scenario.persona in MACHINES)
        self._scenario = scenario
        self._folder = folder
        self._loop = loop
        self._dice = self._new_dice("world")
        ids = self._new_dice("ids")
        self._org_id, self._call_id = (UUID(int=ids.getrandbits(128)) for _ in range(2))
        self._lexicon = Lexicon()
        self._hearing = Hearing(scenario.trip_ms)
        self._line = self._new_line()
        self._person = Person(self._new_dice("person"), self._line, self._hearing, self.record, self._prospect_leaves)
        self._exchange = self._new_exchange()
        self._session: CallSession
        self._timers: list[asyncio.TimerHandle] = []
        self._streaming = False

    async def run(self) -> None:
        scenario = self._scenario
        wallet = self._dice.randrange(400, 1_500) if scenario.has("funds_end") else 30_000
        crm = SimCrm(self._org_id, self._call_id, wallet, _PER_MINUTE, _MAX_S)
        outages = self._outages()
        client = SimRedis(crm, lambda: any(start <= self._loop.time() < end for start, end in outages))
        outbox = Outbox(self._folder, cast(redis.Redis, client))
        await crm.reserve()
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(outbox.run(), name="world.outbox")
            async with asyncio.TaskGroup() as model_tasks:
                note = self._note
                providers = Providers(scenario, self._person.speech, note, self._lexicon, model_tasks)
                await self._hold(providers, outbox, crm)
                providers.judge.leave()
            self.record.stt_failed = providers.stt_failed
            await outbox.drain(_DRAIN_S)
            # An outage may begin behind the last event, and what the CRM has committed is not known before it is over.
            redis_back = max((end for _, end in outages), default=0.0)
            await asyncio.sleep(max(0.0, redis_back - self._loop.time()) + _COMMIT_S)
            sending.cancel()
        self._take_stock(crm)

    # The call

    async def _hold(self, providers: Providers, outbox: Outbox, crm: SimCrm) -> None:
        slot: list[CallSession] = []
        minds = await providers.open(lambda text: slot[0].conversation.ears.on_partial(text) if slot else None)
        minds.model = _Witnessed(minds.model, self._asked)
        session = self._session = CallSession(
            self._plan(), crm.funded_s, _order(crm.funded_s), minds, self._services(outbox)
        )
        slot.append(session)
        session.place()
        self._plan_disturbances()
        async with asyncio.TaskGroup() as tasks:
            self._people = tasks
            running = tasks.create_task(session.run(), name="world.call")
            colleagues = self._colleagues(session, tasks)
            done, _ = await asyncio.wait([running], timeout=_CALL_MAX_S)
            self.record.unfinished = not done
            self.record.run_ms = self._loop.time() * 1_000
            if not done:
                running.cancel()
            for one in colleagues:
                one.cancel()
            if self._streaming:
                self._acting.cancel()
        # Who picks up later is told by our webhook that there is no such call, and the carrier ends it.
        self.record.line_left_open = self._exchange.holds_call and self._streaming
        for timer in self._timers:
            timer.cancel()
        self._exchange.leave()

    def _colleagues(self, session: CallSession, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        # One act of a colleague's a call: who is lost by one and comes back by another is not lost.
        visits = [act for act in VISITS if self._scenario.has(act) and not self._scenario.has(TAKES_OVER)][:1]
        works = [Visitor(self._new_dice(act), session, self.record, self._note).work(act) for act in visits]
        if self._scenario.has(TAKES_OVER):
            works.append(Colleague(self._new_dice("colleague"), session, self.record, self._note).work())
        return [tasks.create_task(work, name="world.colleague") for work in works]

    def _connected(self) -> None:
        """Somebody picked up: their sound begins, and the stream a moment later."""
        self.record.answered_ms = self._now_ms
        self._note("prospect", f"picks up ({self._scenario.persona})")
        self._timers.append(self._loop.call_later(self._dice.uniform(0.1, 0.4), self._open_stream))

    def _open_stream(self) -> None:
        if self._exchange.over or self._session.state in TERMINAL or not self._session.take_stream(self._line):
            return
        room = self._session.room
        assert isinstance(room, SegmentRoom)
        began_ms = self._now_ms - self._scenario.trip_ms - FRAME_MS
        self._hearing.begin(began_ms, room.pass_frame)
        room.begin()
        self.record.stream_ms, self.record.timeline_ms = self._now_ms, began_ms
        self._note("carrier", "stream opened")
        self._session.put(sig.StreamOpened(self._line))
        self._streaming = True
        self._acting = self._people.create_task(self._act(), name="world.person")

    async def _act(self) -> None:
        with contextlib.suppress(HungUp):
            await PERSONAS[self._scenario.persona](self._person)
        self._prospect_leaves()

    def _prospect_leaves(self) -> None:
        if not self._exchange.over:
            self._note("prospect", "hangs up")
            self._exchange.end()

    def _ended(self) -> None:
        """The carrier has ended the call: nobody hears anybody, and the stream's stop is on its way."""
        self.record.carrier_over_ms = self._now_ms
        self._lose_sound()
        if self._streaming:
            closed = sig.StreamClosed(True, self._line)
            self._timers.append(self._loop.call_later(self._scenario.trip_ms / 1_000, self._session.put, closed))

    def _stream_closed_by_us(self) -> None:
        if not self._exchange.over:
            self._timers.append(self._loop.call_later(2 * self._scenario.trip_ms / 1_000, self._exchange.end))

    def _drop_stream(self) -> None:
        if self._streaming and not self._exchange.over:
            self._note("carrier", "stream lost")
            self._lose_sound()
            self._session.put(sig.StreamClosed(False, self._line))

    def _lose_sound(self) -> None:
        if self.record.over_ms is None:
            self.record.over_ms = self._now_ms
            self._line.die(self._now_ms)
            self._person.silence()
            if self._streaming:
                self._acting.cancel()

    # What is drawn

    def _plan_disturbances(self) -> None:
        dice, scenario = self._dice, self._scenario
        if scenario.has("stream_dropped"):
            self._timers.append(self._loop.call_later(dice.uniform(4, 40), self._drop_stream))
        if scenario.has("supervisor_hangs_up"):
            self._timers.append(self._loop.call_later(dice.uniform(0, 40), self._tell, sig.HangUpAsked("supervisor")))
        if scenario.has("node_stops"):
            self._timers.append(self._loop.call_later(dice.uniform(0, 40), self._tell, sig.SayGoodbye()))

    def _tell(self, signal: sig.CallSignal) -> None:
        self._note("command", type(signal).__name__)
        self._session.put(signal)

    def _outages(self) -> list[tuple[float, float]]:
        """When Redis is away, in the loop's seconds."""
        if not self._scenario.has("redis_away"):
            return []
        start = self._loop.time() + self._dice.uniform(0, 20)
        return [(start, start + self._dice.uniform(2, 30))]

    def _new_exchange(self) -> Exchange:
        scenario, dice = self._scenario, self._dice
        disorder = Disorder(
            late_share=0.5 if scenario.has("callbacks_disordered") else 0.0,
            twice_share=0.5 if scenario.has("callbacks_disordered") else 0.0,
            lost_share=0.5 if scenario.has("callbacks_lost") else 0.0,
            refuses=scenario.has("dial_refused"),
            doubtful=scenario.has("dial_doubtful"),
            ends_as=dice.choice(("busy", "no-answer", "failed")) if scenario.has("nobody_answers") else "",
            api_away_share=0.6 if scenario.has("carrier_away") else 0.0,
        )
        amd = (_MACHINE_BEEP_S, "machine_end_beep") if self.record.is_machine else (dice.uniform(2, 5), "human")
        return Exchange(
            "sim",
            self._new_dice("carrier"),
            disorder,
            lambda signal: self._session.put(signal),
            self._connected,
            self._ended,
            self._note,
            dice.uniform(0.5, 6),
            amd,
        )

    def _new_line(self) -> SimLine:
        dice = self._new_dice("line")
        share = 0.4 if self._scenario.has("marks_lost") else 0.0
        return SimLine(
            self._scenario.trip_ms,
            lambda mark: self._session.room.marked(mark),
            lambda: self._person.on_play(),
            lambda: dice.random() < share,
            self._stream_closed_by_us,
        )

    def _new_dice(self, name: str) -> random.Random:
        return random.Random(f"{name} {self._scenario.dice_seed}")  # noqa: S311 - a repeatable experiment, no secret

    # What the product is given

    def _services(self, outbox: Outbox) -> Services:
        archive = Archive(Bucket(MemoryStore()), "memory://", self._folder, journaled=outbox.journaled)
        return Services(
            self._exchange,
            cast(Silero, self._hearing),
            SimTicker(_MIX_TICK_S if any(self._scenario.has(act) for act in VISITS) else _TICK_S),
            outbox,
            archive,
            hold_music=MUSIC * RATE_HZ,
            wall=lambda: _WALL + timedelta(seconds=self._loop.time() - START_S),
            room=SegmentRoom,
        )

    def _plan(self) -> CallPlan:
        return CallPlan(
            org_id=self._org_id,
            call_id=self._call_id,
            org_name="Northwind Energy",
            agent=Agent(UUID(int=1), "Alex"),
            prospect=Prospect(UUID(int=2), "Sam"),
            from_number="+12025550100",
            playbook={},
            record=RecordWhen.NEVER,
            max_duration_s=_MAX_S,
        )

    # What is kept

    @property
    def _now_ms(self) -> float:
        return self._loop.time() * 1_000

    def _note(self, who: str, text: str) -> None:
        self.record.note(self._now_ms, who, text)

    def _asked(self, request: Request) -> None:
        self.record.asked.append(Asked(self._now_ms, request.messages))
        last = request.messages[-1] if request.messages else None
        self._note("agent", f"asks the model: {last.role}: {last.text}" if last else "asks the model")

    def _take_stock(self, crm: SimCrm) -> None:
        record = self.record
        record.events, record.arrived, record.money = crm.taken, crm.arrived, crm.money()
        for event in record.events:
            if isinstance(event.body, StateChanged) and event.body.state is State.ENDING:
                record.wound_up_ms = ((event.at - _WALL).total_seconds() + START_S) * 1_000
        record.agent_sound = self._line.sound()
        record.music = self._line.music()
        record.played = self._line.words(self._lexicon.words)
        me = asyncio.current_task()
        record.left_over = sorted(task.get_name() for task in asyncio.all_tasks() if task is not me)
        record.left_over += self._loop.timers()
        record.loop_faults = self._loop.faults
        record.journals_left = sorted(path.name for path in self._folder.rglob("*") if path.is_file())


def _order(funded_s: int) -> CallOrder:
    return CallOrder(NUMBER, "+12025550100", "https://x/voice", "https://x/status", "https://x/amd", 30, funded_s)


def simulate(scenario: Scenario, folder: Path) -> Record:
    """Run one call to its end. `folder` is for its journal."""

    async def held(loop: SimLoop) -> Record:
        world = World(scenario, folder, loop)
        await world.run()
        return world.record

    return run_virtual(held)


@contextlib.contextmanager
def scratch() -> Generator[Path]:
    """A folder for journals, in memory where the machine has such a place: a disk's waiting is no part of a call."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
    with tempfile.TemporaryDirectory(prefix="salesos-sim-", dir=memory if memory.is_dir() else None) as name:
        yield Path(name)
