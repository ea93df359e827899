"""From the model's answer to speech in the room, sentence by sentence, as each arrives.

How a sentence is spoken, by voices that may fail, is agent/saying.py's. No model's answer is a stock phrase: "one
moment" while it is late (agent/bridge.py), an apology and the end of the call when there will be none.
"""

import asyncio
import contextlib
import math
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Protocol

import structlog

from agent.apology import SWITCHED_OFF, break_off, reason_of
from agent.bridge import Bridge
from agent.handing_over import HandOver, hand_over
from agent.llm.port import Ahead, EventName, Late, Message, Model, ModelUnavailable, Request, Role, Text, Tool, ToolCall
from agent.reply import Reply, Waterfall
from agent.saying import Mouth, Saying, SpeakingFailed
from agent.sentences import SentenceSplitter
from agent.stock_phrases import StockPhrases
from agent.tools.rounds import Record, use_silently, use_tools
from agent.tools.toolbox import Toolbox
from agent.tts.port import Voice

log = structlog.get_logger()

FIRST_TOKEN_TIMEOUT_S: Final = 8.0
NEXT_TOKEN_TIMEOUT_S: Final = 8.0
# A first sentence that is not whole so long after its first token is begun with the clause that is: people hear the
# pause at a comma as the speaker's, and a pause before the first word as the line's.
CLAUSE_AFTER_S: Final = 0.005
END_CALL: Final = "end_call"
TO_MACHINES: Final = frozenset({EventName.SCREENING, EventName.MENU, EventName.MESSAGE_BEEP})


class Means(Protocol):
    @property
    def model(self) -> Model: ...
    @property
    def voice(self) -> Voice: ...
    @property
    def variables(self) -> dict[str, str]: ...
    @property
    def instructions(self) -> str: ...
    @property
    def tools(self) -> tuple[Tool, ...]: ...
    @property
    def temperature(self) -> float | None: ...
    @property
    def max_tokens(self) -> int: ...
    @property
    def prompt_version(self) -> str: ...
    @property
    def toolbox(self) -> Toolbox | None: ...
    @property
    def phrases(self) -> StockPhrases: ...
    @property
    def ahead(self) -> Ahead | None: ...
    @property
    def hand_over(self) -> HandOver | None: ...


async def produce(
    reply: Reply,
    record: Record,
    means: Means,
    mouth: Mouth,
    on_open: Callable[[], None],
    caller_begins: Callable[[], bool] = lambda: False,
    caller_speaks: Callable[[], bool] = lambda: False,
    asked: asyncio.Event | None = None,
) -> None:
    """Make the whole answer and append it to the room's reply; `on_open` is called at its first sound.

    That waits for a moment while `caller_begins`: a sound of theirs is not known yet to be a voice or nothing.
    Stock phrases wait while `caller_speaks`.

    An answer that has `failed` already is the apology alone. Until `asked` is set it is not known what is answered,
    and only stock phrases are said.

    Raises:
        SpeakingFailed: the voice failed twice.
    """
    reply.prompt_version = means.prompt_version
    speech = Saying(reply, means.voice, mouth, on_open, caller_begins, caller_speaks)
    bridge = Bridge(reply, mouth, speech, _patience(record.messages, means.phrases), caller_speaks)
    problem: SpeakingFailed | None = None
    async with asyncio.TaskGroup() as tasks:
        bridging = tasks.create_task(bridge.run(), name="conversation.bridge")
        try:
            if asked is not None:
                await asked.wait()
            await _whole(reply, record, means, speech, bridge)
        except SpeakingFailed as error:
            problem = error
        await speech.pause()
        bridging.cancel()
    if problem is not None:
        break_off(reply, problem.reason, means.phrases)  # the words cannot be said; the note remains
        raise problem
    if reply.opened:
        mouth.complete_reply()


async def _whole(reply: Reply, record: Record, means: Means, speech: Saying, bridge: Bridge) -> None:
    """Speak the answer, or the apology for it. Raises SpeakingFailed."""
    failed = reply.failed
    if not failed:
        try:
            await _answer(reply, record, means, speech, bridge)
        except ModelUnavailable as error:
            failed = reason_of(error.failure)
            log.error("answer.failed", reason=failed, sentences=len(reply.sentences))
    if failed == SWITCHED_OFF and await hand_over(reply, record.messages, means.hand_over, speech.say, means.phrases):
        failed = ""
    if failed and (last_words := break_off(reply, failed, means.phrases)):
        await speech.say(last_words)


async def _answer(reply: Reply, record: Record, means: Means, speech: Saying, bridge: Bridge) -> None:
    """Raises ModelUnavailable, SpeakingFailed."""
    request = _request(record.messages, means)
    has_words = await _stream(reply, request, means, speech, bridge)
    if means.toolbox is not None:
        speaking = _Spoken(reply, means, speech, bridge)
        await use_tools(reply, request, means.toolbox, record, speaking, means.phrases, has_words=has_words)
    elif reply.calls and not has_words and not any(call.name == END_CALL for call in reply.calls):
        # Models like to call a tool and wait for its result before they speak; the caller waits too.
        await _stream(reply, replace(request, called=tuple(reply.calls)), means, speech, bridge)


def think_ahead(messages: tuple[Message, ...], means: Means) -> None:
    """Have the answer to that begun, where that is allowed; `produce` goes on with it if it is asked the same."""
    if means.ahead is not None:
        means.ahead.suppose(_request(messages, means))


async def think_silently(messages: tuple[Message, ...], means: Means) -> Reply:
    """Let the model draw its conclusions (tool calls) from what was said last; there is no second try, and no words."""
    reply = Reply(0, Waterfall())
    with contextlib.suppress(ModelUnavailable, TimeoutError):
        await _conclude(reply, messages, means)
    return reply


async def _conclude(reply: Reply, messages: tuple[Message, ...], means: Means) -> None:
    async with asyncio.timeout(FIRST_TOKEN_TIMEOUT_S), aclosing(means.model.reply(_request(messages, means))) as deltas:
        async for delta in deltas:
            if isinstance(delta, ToolCall):
                reply.calls.append(delta)
    if means.toolbox is not None:
        use_silently(reply, means.toolbox)


def _request(messages: tuple[Message, ...], means: Means) -> Request:
    return Request(
        messages, means.instructions, means.variables, means.tools, means.temperature, max_tokens=means.max_tokens
    )


def _patience(messages: tuple[Message, ...], phrases: StockPhrases) -> tuple[str, ...]:
    """Return what is said while the answer to that is late."""
    if messages and messages[-1].role is Role.EVENT and messages[-1].text in TO_MACHINES:
        return ()  # nobody waits: it would be recorded, or taken for a name
    spoken = any(message.role is Role.ASSISTANT for message in messages)
    return phrases.patience if spoken else (phrases.hello, *phrases.patience)


async def _stream(reply: Reply, request: Request, means: Means, speech: Saying, bridge: Bridge) -> bool:
    """Speak the answer to one request; returns whether it had words. Raises ModelUnavailable, SpeakingFailed."""
    splitter = SentenceSplitter()
    has_words = False
    first_s = math.inf
    now = asyncio.get_running_loop().time
    async with aclosing(means.model.reply(request)) as deltas:
        timeout_s = FIRST_TOKEN_TIMEOUT_S
        while True:
            try:
                async with asyncio.timeout(timeout_s):
                    delta = await anext(deltas)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise ModelUnavailable("no token in time") from None
            if isinstance(delta, Late):
                bridge.hurry()
                continue
            timeout_s = NEXT_TOKEN_TIMEOUT_S
            if reply.waterfall.first_token_ms is None:
                reply.waterfall.first_token_ms = speech.mouth.now
            if isinstance(delta, Text):
                first_s = min(first_s, now())
                has_words = has_words or bool(delta.text.strip())
                for sentence in splitter.push(delta.text):
                    await speech.say(sentence)
                hurries = not reply.opened and now() - first_s >= CLAUSE_AFTER_S
                if hurries and (clause := splitter.take_clause()):
                    await speech.say(clause)
            elif isinstance(delta, ToolCall):
                reply.calls.append(delta)
    for sentence in splitter.flush():
        await speech.say(sentence)
    return has_words


@dataclass(frozen=True, slots=True)
class _Spoken:
    """Implements `agent.tools.rounds.Speaking`."""

    reply: Reply
    means: Means
    speech: Saying
    bridge: Bridge

    @property
    def left_ms(self) -> int:
        mouth = self.speech.mouth
        return max(0, mouth.reply_ms - mouth.heard_ms) if self.reply.opened else 0

    async def ask(self, request: Request) -> bool:
        return await _stream(self.reply, request, self.means, self.speech, self.bridge)

    async def say(self, sentence: str) -> None:
        await self.speech.say(sentence)

    def press(self, keys: str) -> None:
        self.speech.press(keys)
