"""The agent aside: a person has the word, or the caller is on hold. It listens, says nothing, and can tell afterwards.

What the caller and the people say is taken down as turns of the call, and kept for the model, which learns it when the
agent has the word again. What the caller says now was not said to the agent: no answer is owed to it.
"""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

import structlog

from agent import account
from agent import signals as sig
from agent.account import Line
from agent.listening import Listening
from agent.llm.port import ModelUnavailable, ToolCall
from agent.llm.wording import fill_in
from agent.memory import Memory
from agent.message_taking import MessageTaking
from agent.overheard import Overheard
from agent.ports import Minds
from agent.reply import Reply, Waterfall
from agent.saying import Saying
from events.call import Outcome
from media.activity.detector import VoiceEnded, VoiceStarted
from media.room import Room

log = structlog.get_logger()

SUMMARY_S: Final = 1.5  # the caller waits in silence for it
LINES_MAX: Final = 2_000  # of one time aside; of more the oldest are forgotten


@dataclass(slots=True)
class _Phrase:
    """What the agent says though it is aside."""

    text: str
    reply: Reply
    gives_way: bool
    began_ms: int = 0  # on the timeline


class Aside:
    """One call's. `begin`, then `take` what happens, then `end`; and so again."""

    def __init__(
        self, minds: Minds, overheard: Overheard, listening: Listening, put: Callable[[sig.LineGone], None]
    ) -> None:
        """`put` is told when a message has been left: the call is over with it."""
        self._minds = minds
        self._overheard = overheard
        self._listening = listening
        self._put = put
        self._message: MessageTaking | None = None  # that is being taken
        self._left: MessageTaking | None = None  # with which the call ended
        self._lines: list[Line] = []
        self.began_ms = 0  # the caller's utterance
        self._making: asyncio.Task[None] | None = None
        self._phrase: _Phrase | None = None  # as long as it is being said
        self._room: Room
        self.asked = 0  # times more to step aside than back: above 0 the agent must not speak, whatever is in the queue

    def attach(self, room: Room) -> None:
        self._room = room

    def begin(self, unanswered: str, utterance_ms: int) -> None:
        """`unanswered`: what the caller has said already; `utterance_ms`: where one began that is not over."""
        self._lines = [Line(account.CALLER, unanswered)] if unanswered else []
        self.began_ms = utterance_ms

    async def take(self, signal: sig.ConversationSignal, tasks: asyncio.TaskGroup) -> None:
        """Take what happens; all that is about an answer means nothing now."""
        if isinstance(signal, VoiceStarted) and self._phrase is not None and self._phrase.gives_way:
            self.hush()
        match signal:
            case VoiceStarted() if not self._listening.active:
                self.began_ms = signal.first_voiced_ms
                self._listening.begin(self._room.now)
            case VoiceEnded() if self._listening.active:
                await self._caller_ended(signal)
            case sig.DeadAir() if self._listening.active:
                await self._caller_ended(VoiceEnded(self.began_ms, self._room.now, self._room.now))
            case sig.PersonSaid(name=name, text=text, voice=voice, speaker=speaker):
                self._overheard.person_said(text, voice, speaker)
                self._keep(Line(name, text))
            case sig.AskForPatience():
                self._making = tasks.create_task(self._ask_for_patience(), name="conversation.patience")
            case sig.TakeMessage(greeting=greeting) if self._message is None:
                self.hush()
                self._message = self._taking(greeting)
                self._making = tasks.create_task(self._message.run(), name="conversation.message")
            case sig.CallerPressed() if self._message is not None:
                self._message.pressed()
            case sig.Announce(text=text, said=said):
                self.hush()
                saying = self._say(text, said, gives_way=False)
                self._making = tasks.create_task(saying, name="conversation.announce")
            case _:
                pass

    async def end(self, told: str, *, introduced: bool) -> str:
        """The agent has the word again: return what its model must know. `told`: what happened, for the model.

        `introduced`: the caller has heard the agent before.
        """
        self.hush()
        lines, self._lines = self._lines, []
        summary = await self._summary(lines) if account.is_long(lines) else ""
        return account.account(lines, told, summary, introduced=introduced)

    def named(self, decided: Outcome | None) -> Outcome | None:
        """Return what decides the call's outcome. `decided`: the conversation, as far as it did."""
        return decided if self._left is None else self._left.outcome(decided)

    def recall(self, memory: Memory) -> None:
        """The line is gone: the model may still conclude something from what the caller said last."""
        self._left = self._message
        self.hush()
        lines, self._lines = self._lines, []
        if lines and lines[-1].who == account.CALLER:
            memory.caller_said(lines.pop().text)
        if lines:
            memory.note(account.account(lines, ""))

    def _taking(self, greeting: str) -> MessageTaking:
        minds = self._minds
        words = fill_in(greeting, minds.variables)
        return MessageTaking(minds.phrases, words, self._room, self._say_to_end, self._overheard, self._put)

    def hush(self) -> None:
        """Break the phrase off, wherever it is: somebody talks, or the caller hears somebody else from here on.

        A message that was being taken is over with what is there of it.
        """
        if self._message is not None:
            self._message.close()
            self._message = None
        if self._making is not None:
            self._making.cancel()
            self._making = None
        if self._phrase is not None:
            self._room.voice.drop_reply()
            self._take_down(self._phrase, self._room.voice.heard_ms)

    async def _caller_ended(self, voice: VoiceEnded) -> None:
        said = await self._listening.finish()
        if said.text:
            self._overheard.caller_said(said.text, voice)
            self._keep(Line(account.CALLER, said.text))

    def _keep(self, line: Line) -> None:
        if len(self._lines) == LINES_MAX:
            del self._lines[0]
        self._lines.append(line)

    async def _summary(self, lines: list[Line]) -> str:
        """Return what the model makes of that; nothing when there is none in time: their words are told then."""
        try:
            async with (
                asyncio.timeout(SUMMARY_S),
                aclosing(self._minds.model.reply(account.summary_request(lines))) as deltas,
            ):
                async for delta in deltas:
                    if isinstance(delta, ToolCall) and delta.name == account.WRITE_SUMMARY:
                        return str(delta.arguments.get("summary", ""))
        except (ModelUnavailable, TimeoutError) as error:
            log.warning("hand_back.no_summary", reason=type(error).__name__)
        return ""

    async def _ask_for_patience(self) -> None:
        await self._say(self._minds.phrases.one_moment, lambda _: None, gives_way=True)

    async def _say_to_end(self, text: str) -> int:
        """Return how long it lasted, in ms."""
        lasted: list[int] = []
        await self._say(text, lasted.append, gives_way=False)
        return lasted[-1]

    async def _say(self, text: str, said: Callable[[int], None], *, gives_way: bool) -> None:
        """Say a phrase; `said` is told how long it lasts, in ms. A voice that fails is left at that.

        `gives_way`: it is not said over the caller.
        """
        voice, phrase = self._room.voice, _Phrase(text, Reply(0, Waterfall()), gives_way)
        saying = Saying(
            phrase.reply,
            self._minds.voice,
            voice,
            lambda: self._begin(phrase),
            caller_speaks=lambda: gives_way and self._room.voice_now,
        )
        await saying.meanwhile(text)
        if not phrase.reply.opened:
            said(0)
            return
        voice.complete_reply()
        said(voice.reply_ms)
        await asyncio.sleep((voice.reply_ms - voice.heard_ms) / 1_000)
        self._take_down(phrase, voice.reply_ms)

    def _begin(self, phrase: _Phrase) -> None:
        self._phrase, phrase.began_ms = phrase, self._room.voice.now

    def _take_down(self, phrase: _Phrase, heard_ms: int) -> None:
        """Take down what was heard of a phrase, if anything was."""
        self._phrase = None
        heard = phrase.reply.heard_text(heard_ms)
        if heard:
            self._overheard.phrase_said(phrase.text, heard, phrase.began_ms, heard_ms)
            self._keep(Line(account.AGENT, heard))
