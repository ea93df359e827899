"""One call from dial to close: its one task reads a bounded queue of signals and moves the state machine.

Timers, callbacks, sockets and commands only put signals. What runs beside the reading task (the dial, the
conversation, the hang-up) lives in the call's task group and ends with it.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from agent.conversation import Conversation
from agent.person_ear import PersonEars
from agent.ports import Minds
from agent.signal_queue import SignalQueue
from agent.signals import CallerPressed, LineGone, MachineWaits, TimeUp
from events import call as events
from events.call import AnsweredBy, Outcome, State
from events.plan import CallPlan
from media.agent_voice import Line
from telephony.call import signals as sig
from telephony.call.answerer import Answerer
from telephony.call.carrier_leg import CarrierLeg
from telephony.call.emitter import Emitter
from telephony.call.ending import EndsSoon
from telephony.call.funding import Funding
from telephony.call.legs import legs_of
from telephony.call.lifecycle import GUARD_S, UNANSWERED, Lifecycle, unanswered
from telephony.call.people import CallPeople
from telephony.call.person_acts import PersonActs, PersonMissed
from telephony.call.recording import CallRecording
from telephony.call.services import Services
from telephony.call.talk_time import TalkTime
from telephony.call.telling import Telling
from telephony.call.timers import Timers
from telephony.call.tools import CallTools
from telephony.call.voicemail import begin_as_routed
from telephony.carrier_port import CallOrder, Incoming
from telephony.queues.waiting import queue_of

log = structlog.get_logger()

SIGNALS_MAX: Final = 500
CARRIER_WAIT_S: Final = 12.0  # longer than a carrier request may take
LAST_WORDS_S: Final = 3.0  # to understand what was being said when we hung up


class CallSession:
    """One call. `run` is its task; `put` takes signals from anywhere on the loop."""

    def __init__(
        self, plan: CallPlan, funded_s: int, order: CallOrder | Incoming, minds: Minds, services: Services
    ) -> None:
        """`funded_s`: seconds from the answer on that are paid for."""
        self.plan = plan
        self.call_id = plan.call_id
        self.carrier_call_id = ""
        self._order = order
        self._inbound = plan.inbound is not None
        self._services = services
        self._signals: SignalQueue[sig.CallSignal] = SignalQueue(SIGNALS_MAX)
        self.put = self._signals.put
        self._carrier_leg = CarrierLeg(services.carrier, order, self.put, services.wall)
        self._lifecycle = Lifecycle()
        emitter = Emitter(plan.org_id, plan.call_id, 1, services.outbox, services.wall, services.live.note)
        self._telling = Telling(emitter, services.figures, minds.senses)
        self.emit = self._telling.emit
        self._timers = Timers(self.put)
        self._now: Callable[[], float] = asyncio.get_running_loop().time
        self._line: Line | None = None  # the first stream that started
        self._talk = TalkTime(self._now)
        self._funding = Funding(funded_s, plan.max_duration_s, self._talk, self._timers)
        self._answerer = Answerer(self.emit)
        self.on_answerer = self._answerer.heard
        self._outcome: Outcome | None = None
        self._reason = ""
        self.line_opened_at: float | None = None  # the loop's time
        self._carrier_over = self._asked_carrier = False
        self._minds = minds
        self._tools = CallTools(plan, minds, services.desks, self.emit, self._now, services.transfers)
        self.conversation = Conversation(minds, self)
        self._last_words: asyncio.Task[None] | None = None  # what was being said when we ended the call
        self._recording = CallRecording(plan, services.archive)
        self.on_disclosed = self._recording.unmute
        self.room = services.open_room(
            plan, self._recording.recorder, self.conversation, lambda: self._now() * 1000, self._telling.quality
        )
        self.conversation.attach(self.room)
        ears = PersonEars(services.silero.open, minds.open_ear, lambda: self.room.now)
        self.people = CallPeople(self.room, self.conversation, self.emit, self._timers, ears, self._now, services.live)
        self.people.expect(plan.held_by, queue_of(self, services.hall, minds.phrases, self._timers))
        self.legs = legs_of(self, services, ears, self._tools)

    @property
    def state(self) -> State:
        return self._lifecycle.state

    @property
    def late_samples(self) -> int:
        return self._recording.late_samples

    @property
    def dropped_signals(self) -> int:
        return self._signals.dropped

    def take_stream(self, line: Line) -> bool:
        """Let a stream be the call's one; False when it has one already."""
        if self._line is not None:
            return False
        self._line = line
        return True

    def on_floor(self, *, speaking: bool) -> None:
        self._tell("speak" if speaking else "listen")

    # The call's task

    def place(self) -> None:
        """The call is decided: the state says so before anything else happens."""
        self._tell("come_in" if self._inbound else "place")

    async def run(self) -> None:
        """Dial and hold the call to its close. Returns when its last event is in the outbox."""
        structlog.contextvars.bind_contextvars(call_id=str(self.call_id), org_id=str(self.plan.org_id))
        try:
            await self._live()
        except Exception:
            log.exception("call.died")
            self._outcome, self._reason = self._outcome or Outcome.SERVICE_FAILURE, "internal_error"
        finally:
            self.room.leave()
            self._recording.drop()
            self._timers.stop()
        await self._minds.aclose()
        if not self._carrier_over and not self._tools.handed_over:
            await self._carrier_leg.hang_up(self.carrier_call_id)
        for event in ("wind_up", "finish", "fail"):
            self._tell(event)
        await self.legs.drop()
        self.emit(self.conversation.ears.fed)
        self.emit(
            events.Finished(
                self.state,
                self.people.named(self._outcome or Outcome.HUNG_UP),
                self._answerer.known or (AnsweredBy.UNKNOWN if self._talk.begun else None),
                round(self._talk.duration_s, 3),
                self._talk.billable_s,
                self._reason,
            )
        )
        await self._recording.store(self.emit)
        self.emit(events.Closed())
        self.people.close()

    async def _live(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                dialing = tasks.create_task(self._carrier_leg.dial(), name="call.dial")
                while not self._over:
                    self._handle(await self._signals.get())
                self._talk.end()
                self.legs.close()
                await self._write_out()
                await self._tools.finish()
                await self.legs.finish()
                await self._telling.finish()
                if not dialing.done():  # given up while the carrier was being asked: its answer is needed to hang up
                    await asyncio.wait([dialing], timeout=CARRIER_WAIT_S)
                for signal in self._signals.take_all():
                    self._handle(signal)
                tasks.create_task(self._stop(), name="call.stop")
        except* _Stopped:
            pass

    @property
    def _over(self) -> bool:
        return self.state in events.TERMINAL

    @property
    def _connected(self) -> bool:
        return self.state in (State.LISTENING, State.SPEAKING)

    async def _stop(self) -> None:
        """End whatever still runs in the call's group."""
        raise _Stopped

    async def _write_out(self) -> None:
        """Keep what was said and recorded up to the end."""
        end_ms = self.room.now
        if self._last_words is not None:
            await asyncio.wait([self._last_words], timeout=LAST_WORDS_S)
        self.conversation.close()
        if self.room.timeline.started:
            await self._recording.write_out(end_ms)

    def _handle(self, signal: sig.CallSignal) -> None:
        match signal:
            case sig.Accepted(carrier_call_id=sid):
                self._know_carrier_call(sid)
            case sig.Refused(code=code):
                self._carrier_over = True
                self._fail(Outcome.REFUSED, f"carrier_{code}")
            case sig.InDoubt():
                log.warning("dial.waiting_for_callback")
            case sig.CarrierStatus():
                self._carrier_said(signal)
            case sig.Answerer():
                self._answerer_known(signal)
            case sig.StreamOpened(line=line):
                self._stream_opened(line)
            case sig.StreamClosed() if self._line is signal.line or self._line is None:
                self._stream_closed(stopped=signal.stopped)
            case sig.ConversationOver(result=result):
                self._wind_up(self._funding.named(result.outcome), result.reason)
            case sig.GuardExpired(state=state) if state is self.state:
                self._guard_expired(state)
            case sig.FundsEnd(last_call=True):
                self.conversation.put(TimeUp())
            case sig.FundsEnd():
                self._cut_off(self._funding.outcome, "funds_end")
            case sig.FundsChanged(funded_s=funded_s):
                self._funding.change(funded_s)
            case EndsSoon():
                self.people.endings.take(signal)
            case sig.MeterDue() if not self._over:
                self.emit(self._funding.metered())
            case sig.HangUpAsked(reason=reason):
                self._asked_to_hang_up(reason)
            case sig.HandedOver():
                if self._outcome in (None, Outcome.HUNG_UP):
                    self._outcome = Outcome.TRANSFERRED
                self._tell("finish")
            case sig.PromptChanged(prompt=prompt, variables=variables):
                self._minds.tell(prompt, variables)
            case sig.SayGoodbye():
                self._say_goodbye()
            case sig.KeyPressed(key=key):
                self.conversation.put(CallerPressed(key))
            case PersonActs() | PersonMissed() | sig.QueueTold() | sig.OfLeg():
                on_line = self._connected and self.line_opened_at is not None
                self.legs.take(signal, self.carrier_call_id, connected=on_line)
            case _:
                pass  # a guard of a state that has passed

    # The carrier's side

    def _know_carrier_call(self, sid: str) -> None:
        if sid and not self.carrier_call_id:
            self.carrier_call_id = sid
            self.emit(events.CarrierAccepted(self._services.carrier.name, sid))

    def _carrier_said(self, signal: sig.CarrierStatus) -> None:
        self._know_carrier_call(signal.carrier_call_id)
        match signal.status:
            case "ringing":
                self._tell("ring")
            case "in-progress" | "answered" if not self._inbound:  # who rang us is answered by the stream
                self._answered()
            case "completed" if not self._inbound or self._talk.begun:
                self._carrier_over = True
                if not self._talk.begun:
                    # Answered and over before we heard of either.
                    self._answered()
                self._line_gone(Outcome.HUNG_UP, "")
            case "busy" | "no-answer" | "failed" | "canceled" | "completed" as status:
                self._carrier_over = True
                if not self._fail(unanswered(status, inbound=self._inbound), status):
                    self._line_gone(Outcome.HUNG_UP, status)
            case _:
                pass  # queued, initiated

    def _answered(self) -> None:
        if not self._talk.begun and self._tell("answer"):
            self._funding.begin()
            self.emit(events.Answered())

    def _answerer_known(self, signal: sig.Answerer) -> None:
        self._answerer.carrier_said(signal.answered_by, signal.detail)
        if signal.answered_by is AnsweredBy.MACHINE and signal.waits_for_message:
            self.conversation.put(MachineWaits(by_carrier=True))

    def _stream_opened(self, line: Line) -> None:
        self._answered()
        if self.line_opened_at is not None or not self._connected:
            return
        self.line_opened_at = self._now()
        self.room.join(line)
        self._conversing = self._tasks.create_task(self._converse(), name="call.conversation")
        for part in (self._tools, self.people, self.legs, self._telling):
            part.start(self._tasks)
        begin_as_routed(self.plan, self.conversation)
        self._recording.begin()

    async def _converse(self) -> None:
        self.put(sig.ConversationOver(await self.conversation.run()))

    def _stream_closed(self, *, stopped: bool) -> None:
        if stopped:
            self._talk.end()  # the callback that says so may be late, or lost
            # Of a call that came in there may be no callback at all.
            self._carrier_over |= self._inbound and self._outcome is not Outcome.TRANSFERRED
            self._line_gone(Outcome.HUNG_UP, "")
        else:
            self._line_gone(Outcome.SERVICE_FAILURE, "stream_lost")

    # Ends

    def _line_gone(self, outcome: Outcome, reason: str) -> None:
        """The prospect cannot hear us any more: hear the last words, then end."""
        self.people.caller_gone()
        if self._connected:
            if self.line_opened_at is not None and self._outcome is None:
                self.conversation.put(LineGone(outcome, reason))
            else:
                self._wind_up(outcome, reason)
        if self._carrier_over and self.state is State.ENDING:
            self._tell("finish")

    def _wind_up(self, outcome: Outcome, reason: str) -> None:
        self.people.caller_gone()
        if self._outcome is None:
            self._outcome, self._reason = outcome, reason or self._reason
        if self._tell("wind_up"):
            if self._last_words is None:  # else it is about to end by itself
                self.conversation.close()  # whoever is hung up on hears nothing more, however long the carrier takes
            if self._carrier_over:
                self._tell("finish")
            else:
                self._tasks.create_task(self._part(outcome), name="call.part")

    async def _part(self, outcome: Outcome) -> None:
        """Let the prospect go: to a person, or off the line."""
        if await self._tools.put_through(outcome, self.carrier_call_id):
            self.put(sig.HandedOver())
        elif not await self._carrier_leg.hang_up(self.carrier_call_id) and self._line is not None:
            self._line.close()  # the carrier's script goes on behind the stream, and hangs up there

    def _fail(self, outcome: Outcome, reason: str) -> bool:
        """The call never came to be; False when it had been answered."""
        if self.state not in UNANSWERED:
            return False
        self._outcome, self._reason = outcome, reason
        return self._tell("fail")

    def _guard_expired(self, state: State) -> None:
        log.warning("call.guard_expired", state=state)
        if state is State.ENDING:
            self._tell("finish")
        elif self._asked_carrier or not self.carrier_call_id:
            outcome = unanswered("no-answer", inbound=self._inbound)
            self._fail(outcome if state is State.RINGING else Outcome.UNKNOWN, f"{state}_timeout")
        else:
            # A callback may have been lost: the carrier's own word comes first.
            self._asked_carrier = True
            self._tasks.create_task(self._carrier_leg.ask(self.carrier_call_id), name="call.ask_carrier")
            self._timers.set("guard", CARRIER_WAIT_S, sig.GuardExpired(state))

    def _asked_to_hang_up(self, reason: str) -> None:
        if self.state in UNANSWERED:
            self._fail(Outcome.HUNG_UP, reason)
        else:
            self._cut_off(Outcome.HUNG_UP, reason)

    def _cut_off(self, outcome: Outcome, reason: str) -> None:
        """End the call now, whoever speaks; what the prospect was saying is understood all the same."""
        if self.line_opened_at is not None and self._outcome is None and self._last_words is None:
            self._last_words = self._conversing
            if self.state is State.SPEAKING:
                self.room.voice.pause()
            self.conversation.put(LineGone(outcome, reason))
        self._wind_up(outcome, reason)

    def _say_goodbye(self) -> None:
        if self.state in UNANSWERED:
            self._asked_to_hang_up("node_stopping")
        else:
            self._reason = self._reason or "node_stopping"
            self.conversation.put(TimeUp())

    # Small change

    def _tell(self, event: str) -> bool:
        previous = self.state
        if not self._lifecycle.tell(event):
            log.debug("call.event_refused", asked=event, state=previous)
            return False
        self.emit(events.StateChanged(self.state, previous, self._reason))
        guard_s = GUARD_S.get(self.state)
        if guard_s is not None:
            if self.state is State.RINGING:
                guard_s += self._order.ring_timeout_s
            self._timers.set("guard", guard_s, sig.GuardExpired(self.state))
        return True


class _Stopped(Exception):
    """Ends the call's task group."""
