"""An answer with tools in it: what the model asks for is done, what came of it goes back, and the model speaks on.

Each round is one request. Words that stand before a call are spoken while it is carried out; where none do, or they
are over, a slow tool gets a word of patience. What went wrong comes back to the model as a result, never as silence,
and where the model has nothing to say about it the agent says so itself.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

import structlog

from agent.llm.port import Message, ModelUnavailable, Request, Role, ToolCall
from agent.reply import Reply
from agent.stock_phrases import StockPhrases
from agent.tools.toolbox import ONCE, Job, Outcome, Toolbox
from events.call import ToolFate
from events.tool import PressKeys, ToolName

ROUNDS_MAX: Final = 4  # requests after the first; a model that goes on asking is answered for
SLOW_AFTER_S: Final = 0.7  # of silence, then the caller gets a word
STILL_SLOW_AFTER_S: Final = 1.3  # sooner than the answer's own bridge over silence (agent/bridge.py)
# They take effect when the answer they belong to has been heard: agent.report sees to it.
SPOKEN: Final = frozenset({ToolName.NOTE_FACT, ToolName.END_CALL})
# What stays of a granted transfer among an answer's calls; no model can name a tool so.
GRANTED_TRANSFER: Final = "granted transfer"
# Carried out even when nobody can hear an answer any more: "take me off your list", and a click.
SILENT: Final = frozenset({ToolName.MARK_DO_NOT_CALL, ToolName.SCHEDULE_CALLBACK, ToolName.UPDATE_LEAD})

log = structlog.get_logger()


class Speaking(Protocol):
    """What of speaking an answer with tools needs."""

    @property
    def left_ms(self) -> int:
        """How much of what was said the caller has not heard yet."""

    async def ask(self, request: Request) -> bool:
        """Have the model answer, speak its words as they come, and add its calls to the reply.

        Returns whether it had words. Raises ModelUnavailable.
        """

    async def say(self, sentence: str) -> None: ...

    def press(self, keys: str) -> None: ...


class Record(Protocol):
    """What was said and heard, where it is kept for later answers what was asked for and what came of it."""

    @property
    def messages(self) -> tuple[Message, ...]: ...

    def tools_began(self, calls: Sequence[ToolCall]) -> None: ...

    def tool_ended(self, call_id: str, result: str) -> None: ...


@dataclass(slots=True)
class _Round:
    """What one request asked for, and what came of it."""

    calls: list[ToolCall] = field(default_factory=list)
    kept: list[ToolCall] = field(default_factory=list)  # those that take effect with the words
    told: dict[str, str] = field(default_factory=dict)  # results by id
    jobs: list[Job] = field(default_factory=list)
    refused: bool = False

    def messages(self, said: str) -> tuple[Message, ...]:
        asked = Message(Role.ASSISTANT, said, calls=tuple(self.calls))
        return (asked, *(Message(Role.TOOL, self.told[call.id], call_id=call.id) for call in self.calls))

    @property
    def wants_words(self) -> bool:
        """True when the caller is to be told what came of it."""
        return self.refused or any(job.name is not ToolName.PRESS_KEYS for job in self.jobs)

    @property
    def well(self) -> bool:
        """True when all is done, and is of the kind that can be said in one word."""
        done = all(job.outcome is not None and job.outcome.fate is ToolFate.DONE for job in self.jobs)
        return done and not self.refused and all(job.name in ONCE for job in self.jobs)


async def use_tools(
    reply: Reply,
    request: Request,
    toolbox: Toolbox,
    record: Record,
    speaking: Speaking,
    phrases: StockPhrases,
    *,
    has_words: bool,
) -> None:
    """Do what the model asked for in `reply`, and go on with it until it asks for nothing more.

    `has_words`: whether the model had any in its answer to `request`; what the agent says by itself is none of them.

    Raises:
        ModelUnavailable: there is not a word for the caller, and nothing was done that could be told.
        SpeakingFailed: of `speaking`.
    """
    taken, said, in_turn = 0, 0, False
    for _ in range(ROUNDS_MAX):
        if len(reply.calls) == taken:
            return
        words = " ".join(reply.sentences[said:])
        said = len(reply.sentences)
        done = await _do(reply.calls[taken:], toolbox, record, speaking, phrases)
        reply.calls[taken:] = done.kept
        taken = len(reply.calls)
        if not _goes_on(reply, done, has_words=has_words):
            return
        request = replace(request, messages=request.messages + done.messages(words))
        in_turn = False
        try:
            in_turn = await speaking.ask(request)
        except ModelUnavailable:
            if not done.wants_words:
                raise
            log.warning("tools.model_away")
        has_words = has_words or in_turn
        if done.wants_words and not in_turn and len(reply.calls) == taken:
            await speaking.say(phrases.done if done.well else phrases.not_done)
            return
    if len(reply.calls) > taken:
        log.warning("tools.too_many_rounds")
        del reply.calls[taken:]
        if not in_turn:
            await speaking.say(phrases.not_done)


def use_silently(reply: Reply, toolbox: Toolbox) -> None:
    """Have done what needs no words and was asked for when nobody could hear them any more."""
    spoken = []
    for call in map(toolbox.number, reply.calls):
        checked = toolbox.check(call)
        if isinstance(checked, Outcome):
            continue
        name, arguments = checked
        if name in SPOKEN:
            spoken.append(call)
        elif name in SILENT:
            toolbox.start(call, name, arguments)
    reply.calls[:] = spoken


async def _do(
    asked: Sequence[ToolCall], toolbox: Toolbox, record: Record, speaking: Speaking, phrases: StockPhrases
) -> _Round:
    done = _Round(calls=[toolbox.number(call) for call in asked])
    for call in done.calls:
        checked = toolbox.check(call)
        if isinstance(checked, Outcome):
            done.refused = True
            done.told[call.id] = checked.text
            continue
        name, arguments = checked
        if name in SPOKEN:
            done.kept.append(call)
            done.told[call.id] = "noted; it takes effect when your words have been heard"
            continue
        # Before the first wait: from here on it happens, whatever becomes of this answer.
        record.tools_began((call,))
        done.jobs.append(toolbox.start(call, name, arguments, record.tool_ended))
    for job in done.jobs:
        await _wait(job, speaking, phrases)
        assert job.outcome is not None
        done.told[job.call.id] = job.outcome.text
        if job.outcome.fate is ToolFate.DONE:
            if isinstance(job.arguments, PressKeys):
                speaking.press(job.arguments.keys)
            elif job.name is ToolName.TRANSFER_CALL:
                done.kept.append(replace(job.call, name=GRANTED_TRANSFER))
    return done


async def _wait(job: Job, speaking: Speaking, phrases: StockPhrases) -> None:
    waiting = list(phrases.patience)
    patience_s = SLOW_AFTER_S
    while True:
        try:
            async with asyncio.timeout(speaking.left_ms / 1000 + patience_s):
                await job.over.wait()
            return
        except TimeoutError:
            if waiting and not speaking.left_ms:
                await speaking.say(waiting.pop(0))
                patience_s = STILL_SLOW_AFTER_S


def _goes_on(reply: Reply, done: _Round, *, has_words: bool) -> bool:
    """Say whether the model is to be asked once more."""
    ends = any(call.name == ToolName.END_CALL for call in reply.calls)
    failed = done.refused or any(job.outcome and job.outcome.fate is not ToolFate.DONE for job in done.jobs)
    if ends and not failed:
        # It said goodbye in the same breath, or wants to leave without a word.
        return done.wants_words and not has_words
    # Models like to note something and wait for the result before they speak; the caller waits too.
    return done.wants_words or (not has_words and not done.jobs)
