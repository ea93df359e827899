"""One call from dialling to its end. What happens to it comes as signals on one bounded queue, read by its one task."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import structlog

from telephony.carrier import errors, twiml
from telephony.carrier.actor import Actor, Part
from telephony.carrier.amd import Detector, Verdict
from telephony.carrier.callbacks import Announcer
from telephony.carrier.calls import Call, Event, Source, Status
from telephony.carrier.ear import Ear
from telephony.carrier.errors import TOO_MANY, Refused
from telephony.carrier.faults import FaultPlan, Faults
from telephony.carrier.line import Line, run_line
from telephony.carrier.loudspeaker import Loudspeaker
from telephony.carrier.persona import Answer
from telephony.carrier.script import Script, load
from telephony.carrier.stream import StreamFaults
from telephony.carrier.surroundings import Surroundings
from telephony.carrier.voice import VoiceThread
from telephony.carrier.webhooks import WebhookFailed, Webhooks

SIGNALS_MAX: Final = 32
POST_DIAL_S: Final = 0.05  # the network's way from one telephone to the other
STOP_S: Final = 3.0  # what a script gets to say goodbye to its server

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class HangUp:
    by: str


@dataclass(frozen=True, slots=True)
class NewScript:
    source: Source


@dataclass(frozen=True, slots=True)
class Detected:
    verdict: Verdict
    after_ms: float


Signal = HangUp | NewScript | Detected


@dataclass(slots=True)
class LiveCall:
    call: Call
    answer: Answer
    webhooks: Webhooks
    faults: Faults
    voice: VoiceThread
    auth_token: str
    plan: FaultPlan | None = None
    part: Part = field(default_factory=Part)
    answer_of: Callable[[str], Answer] = lambda number: Answer()  # who sits at another number, as they answer
    over: asyncio.Event = field(default_factory=asyncio.Event)
    _signals: asyncio.Queue[Signal] = field(default_factory=lambda: asyncio.Queue(SIGNALS_MAX))
    _source: Source | None = None
    _verbs: tuple[twiml.Verb, ...] | None = None  # of a call that came in, loaded before it was answered

    def signal(self, signal: Signal) -> None:
        """Hand a signal to the call's task.

        Raises:
            Refused: more signals than anybody sends in good faith (20429).
        """
        try:
            self._signals.put_nowait(signal)
        except asyncio.QueueFull:
            raise Refused(TOO_MANY) from None

    async def run(self) -> None:
        """Dial, talk, end. Returns when the last callback has been delivered or given up."""
        self._source = self.call.order.source
        async with asyncio.TaskGroup() as tasks:
            announcer = Announcer(self.call, self.webhooks, self.faults, tasks)
            if self.call.order.incoming:
                ending = await self._come_in(tasks)
            else:
                self._move(Status.INITIATED)
                announcer.status(Event.INITIATED)
                ending = await self._ring(announcer)
            if ending is None:
                self._move(Status.IN_PROGRESS)
                announcer.status(Event.ANSWERED)
                await self._talk(announcer)
                ending = Status.COMPLETED
            self._move(ending)
            self.over.set()
            announcer.status(Event.COMPLETED)

    async def _ring(self, announcer: Announcer) -> Status | None:
        """Return None when somebody picks up, else how the attempt ended."""
        how = self.answer.how
        if self.plan is not None and self.plan.end_as is not None:
            self.call.ended_by = "network"
            return self.plan.end_as
        await asyncio.sleep(POST_DIAL_S)
        rings_s = self.answer.rings_s
        if how != "failed" and not (how == "busy" and rings_s == 0):
            self._move(Status.RINGING)
            announcer.status(Event.RINGING)
        timeout_s = self.call.order.timeout_s
        try:
            async with asyncio.timeout(min(rings_s, timeout_s)):
                while True:
                    match await self._signals.get():
                        case HangUp(by=by):
                            self.call.ended_by = by
                            return Status.CANCELED
                        case NewScript(source=source):
                            self._source = source
                        case Detected():
                            raise AssertionError("nobody has answered yet")
        except TimeoutError:
            pass
        if how == "picks_up" and rings_s < timeout_s:
            return None
        self.call.ended_by = "callee" if how == "busy" else "network"
        return {"busy": Status.BUSY, "failed": Status.FAILED}.get(how, Status.NO_ANSWER)

    async def _come_in(self, tasks: asyncio.TaskGroup) -> Status | None:
        """Ask the customer what to do, and return None when that answers the call, else how it ended.

        Nothing is charged for a call that is rejected; who rings hears it ring meanwhile, and may lose patience.
        """
        assert self._source is not None
        self._move(Status.RINGING)
        asking = tasks.create_task(self._ask(self._source), name="carrier.ask")
        try:
            async with asyncio.timeout(self.call.order.gives_up_s):
                self._verbs = await asyncio.shield(asking)
        except TimeoutError:
            self.call.ended_by = "caller"
            asking.cancel()
            return Status.CANCELED
        if self._verbs is None:
            self.call.ended_by = "network"
            return Status.FAILED
        if self._verbs and isinstance(self._verbs[0], twiml.Reject):
            self.call.ended_by = "script"
            return Status.BUSY
        return None

    async def _ask(self, source: Source) -> tuple[twiml.Verb, ...] | None:
        try:
            return await load(source, self.call, self.webhooks)
        except twiml.BadTwiml as error:
            self.call.note(error.code, str(error))
        except WebhookFailed as error:
            self.call.note(errors.TWIML_FETCH_FAILED, f"TwiML: {error}")
        return None

    async def _talk(self, announcer: Announcer) -> None:
        order = self.call.order
        ear = Ear()
        line = Line(
            Actor(self.part, ear),
            ear,
            on_hang_up=lambda: self.signal(HangUp("callee")),
            on_verdict=lambda verdict, at_ms: self.signal(Detected(verdict, at_ms)),
            detector=Detector(order.amd, self.answer.detected) if order.amd and not order.send_digits else None,
            surroundings=surroundings_of(self.part),
        )
        self.call.line = line
        plan = self.plan
        stream_faults = StreamFaults(plan.cut_stream_after_ms, plan.garbage_after_ms) if plan else StreamFaults()
        script = Script(self.call, line, announcer, self.webhooks, self.voice, self.auth_token, stream_faults)
        script.answer_of = self.answer_of
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(run_line(line), name="carrier.line")
            try:
                async with asyncio.timeout(order.time_limit_s):
                    await self._obey(script, announcer, tasks)
            except TimeoutError:
                self.call.ended_by = "time_limit"
            finally:
                ticking.cancel()

    async def _obey(self, script: Script, announcer: Announcer, tasks: asyncio.TaskGroup) -> None:
        """Run the script, and take signals until the call is to end."""
        assert self._source is not None
        waits_for_verdict = script.line.detector is not None and not self.call.order.async_amd
        running = None if waits_for_verdict else tasks.create_task(self._run(script, self._source))
        try:
            while True:
                match await self._signals.get():
                    case HangUp(by=by):
                        self.call.ended_by = by
                        return
                    case NewScript(source=source):
                        self._source = source
                        if running is not None:
                            await _stop(running)
                            running = tasks.create_task(self._run(script, source))
                    case Detected(verdict=verdict, after_ms=after_ms):
                        self.call.answered_by = verdict.value
                        announcer.answered_by(verdict, after_ms)
                        if running is None:
                            script.answered_by = verdict.value
                            running = tasks.create_task(self._run(script, self._source))
        finally:
            if running is not None:
                await _stop(running)

    async def _run(self, script: Script, source: Source) -> None:
        verbs, self._verbs = self._verbs, None
        await script.run(source, verbs)
        self.signal(HangUp("script"))

    def _move(self, status: Status) -> None:
        self.call.move(status, datetime.now(UTC))
        log.info("carrier.call", call_sid=self.call.sid, status=status.value, ended_by=self.call.ended_by)


def surroundings_of(part: Part) -> Surroundings:
    """Return what is heard around a person; an echo's way remembers, so each call gets one of its own."""
    echo = part.echo
    loudspeaker = Loudspeaker(echo.delay_ms, echo.loss_db, echo.room_ms) if echo is not None else None
    return Surroundings(part.noise, loudspeaker)


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel a script and give it a moment to part from its server."""
    task.cancel()
    await asyncio.wait([task], timeout=STOP_S)
