"""What a call's agent does beside talking: one thing after another, each once.

A job outlives the answer that wanted it: a caller who interrupts stops the agent's voice, not a booking on its way.
What came of it is told to whoever asked for the job, and stays known here, so that a model that asks for the same
again gets the same result.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from agent.llm.port import ToolCall
from agent.tools.port import Desk, DeskAway
from events import call as events
from events.call import FactKind, ToolFate
from events.tool import (
    NEED_CRM,
    BadArguments,
    BookSlot,
    MarkDoNotCall,
    PressKeys,
    ScheduleCallback,
    SendMessage,
    ToolName,
    read_arguments,
    read_local_time,
)

JOBS_MAX: Final = 8  # waiting at a time; a model that asks for more gets a refusal
# Asked for again in the same call, these are answered and not done again.
ONCE: Final = frozenset(
    {
        ToolName.UPDATE_LEAD,
        ToolName.BOOK_SLOT,
        ToolName.SCHEDULE_CALLBACK,
        ToolName.SEND_MESSAGE,
        ToolName.MARK_DO_NOT_CALL,
    }
)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a call of a tool; `text` is for the model."""

    fate: ToolFate
    text: str


@dataclass(slots=True)
class Job:
    call: ToolCall  # with the id that this call of ours gave it
    name: ToolName
    arguments: Any
    tell: Callable[[str, str], None] | None = None  # what came of it, under the call's id
    outcome: Outcome | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Toolbox:
    """One call's. `run` carries jobs out until cancelled.

    `emit` takes events of the call; `now_s` is a monotonic clock.
    """

    def __init__(
        self, desk: Desk, names: tuple[str, ...], emit: Callable[[events.Body], None], now_s: Callable[[], float]
    ) -> None:
        self._desk = desk
        self._names = frozenset(names)
        self._emit = emit
        self._now_s = now_s
        self._jobs: asyncio.Queue[Job] = asyncio.Queue(JOBS_MAX)
        self._idle = asyncio.Event()
        self._idle.set()
        self._count = 0
        self.permit = ""  # the last one that was granted: to put the prospect through, sealed
        self._done: dict[str, Outcome] = {}  # by what was asked for
        self._ids: dict[str, str] = {}  # of what was asked for and is in doubt: asked again, it is the same request

    def number(self, call: ToolCall) -> ToolCall:
        """Return the call with an id that is this call's alone: vendors' ids repeat, and differ from one another."""
        self._count += 1
        return ToolCall(f"call_{self._count}", call.name, call.arguments, call.signature)

    def check(self, call: ToolCall) -> "tuple[ToolName, Any] | Outcome":
        """Return the tool and its arguments, or what to tell a model that asked for what there is not."""
        if call.name not in self._names or call.name not in list(ToolName):
            known = ", ".join(sorted(self._names))
            return _refusal(f"there is no tool {call.name}; there are: {known}")
        name = ToolName(call.name)
        try:
            arguments = read_arguments(name, dict(call.arguments))
            for value in (getattr(arguments, "starts_at", None), getattr(arguments, "at", None)):
                if value is not None:
                    read_local_time(value)
        except BadArguments as error:
            return _refusal(f"the arguments do not fit: {error}. Ask the person if you do not know them.")
        return name, arguments

    def start(
        self, call: ToolCall, name: ToolName, arguments: Any, tell: Callable[[str, str], None] | None = None
    ) -> Job:
        """Have something done; `job.over` is set when its outcome is there, and `tell` gets what came of it."""
        job = Job(call, name, arguments, tell)
        try:
            self._jobs.put_nowait(job)
            self._idle.clear()
        except asyncio.QueueFull:
            self._end(job, _refusal("too much at once: wait for what you have asked for"), 0.0)
        return job

    async def run(self) -> None:
        """Carry out what is asked for, in its order, until cancelled."""
        while True:
            job = await self._jobs.get()
            began = self._now_s()
            self._end(job, await self._carry_out(job), self._now_s() - began)
            if self._jobs.empty():
                self._idle.set()

    async def finish(self) -> None:
        """Wait until nothing is under way."""
        await self._idle.wait()

    async def _carry_out(self, job: Job) -> Outcome:
        asked_for = json.dumps([job.name, dict(job.call.arguments)], sort_keys=True, default=str)
        if job.name in ONCE and asked_for in self._done:
            return self._done[asked_for]
        if job.name in NEED_CRM:
            outcome = await self._ask(job, self._ids.get(asked_for, job.call.id))
        else:
            outcome = self._do(job)
        if outcome.fate is ToolFate.DONE:
            self._done[asked_for] = outcome
            self._ids.pop(asked_for, None)
        elif outcome.fate is ToolFate.IN_DOUBT:
            self._ids.setdefault(asked_for, job.call.id)
        return outcome

    async def _ask(self, job: Job, tool_call_id: str) -> Outcome:
        try:
            answer = await self._desk.ask(job.name, tool_call_id, dict(job.call.arguments))
        except DeskAway as error:
            log.warning("tool.desk_away", tool=job.name.value, reason=error.reason, in_doubt=error.in_doubt)
            return _failure(in_doubt=error.in_doubt and job.name in ONCE)
        if answer.refused:
            return Outcome(ToolFate.REFUSED, json.dumps(answer.result, ensure_ascii=False))
        if isinstance(job.arguments, BookSlot):
            when = str(answer.result.get("when", job.arguments.starts_at))
            details = {"at": job.arguments.starts_at, "booked": "yes"}
            self._emit(events.FactNoted(FactKind.MEETING_BOOKED, job.arguments.title or "", when, details))
        self.permit = answer.permit or self.permit
        return Outcome(ToolFate.DONE, json.dumps(answer.result, ensure_ascii=False))

    def _do(self, job: Job) -> Outcome:
        """Do what the call itself can: as events, which are on disk at once and reach the CRM when they can."""
        match job.arguments:
            case MarkDoNotCall():
                self._emit(events.FactNoted(FactKind.OPTED_OUT))
                return _success("this number will not be called again")
            case ScheduleCallback(when=when, at=at):
                self._emit(events.FactNoted(FactKind.CALLBACK_REQUESTED, "", when, {"at": at} if at else {}))
                return _success(f"they will be called again: {when}")
            case SendMessage(channel=channel, text=text, to=to):
                self._emit(events.MessageRequested(job.call.id, channel.value, text, to or ""))
                return _success("it will be sent after the call")
            case PressKeys(keys=keys):
                return _success(f"pressed {keys}")
            case _:
                raise AssertionError(f"{job.name} is not done here")

    def _end(self, job: Job, outcome: Outcome, took_s: float) -> None:
        job.outcome = outcome
        self._emit(events.ToolUsed(job.call.id, job.name.value, outcome.fate, round(took_s * 1000)))
        if job.tell is not None:
            job.tell(job.call.id, outcome.text)
        job.over.set()


def _success(what: str) -> Outcome:
    return Outcome(ToolFate.DONE, json.dumps({"done": what}))


def _refusal(why: str) -> Outcome:
    return Outcome(ToolFate.REFUSED, json.dumps({"refused": why}))


def _failure(*, in_doubt: bool) -> Outcome:
    if in_doubt:
        told = "nobody answered in time: it may have been done or not. Say that a colleague will confirm it."
        return Outcome(ToolFate.IN_DOUBT, json.dumps({"error": told}))
    told = "it did not work just now, and was not done. Say so honestly, and offer that a colleague gets back to them."
    return Outcome(ToolFate.FAILED, json.dumps({"error": told}))
