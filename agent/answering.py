"""The agent's answer that is being made or heard; one at a time."""

import asyncio
from collections.abc import Callable

from agent.llm.port import EventName
from agent.making import Making
from agent.minutes import Minutes
from agent.ports import Minds
from agent.reply import Reply, Waterfall
from agent.saying import SpeakingFailed
from agent.signals import PlayedOut, ReplyMade
from agent.speaking import produce
from media.activity.detector import VoiceEnded
from media.agent_voice import AgentVoice
from media.room import Room


class Answering:
    """One call's. `reply` is the answer under way, None between two."""

    def __init__(
        self,
        minds: Minds,
        minutes: Minutes,
        put: Callable[[ReplyMade | PlayedOut], None],
        on_start: Callable[[], None],
        on_open: Callable[[], None],
    ) -> None:
        """`put` is told when an answer is whole, and when it was heard to its end.

        `on_start` is called when one is begun, `on_open` when it sounds.
        """
        self._minds = minds
        self._minutes = minutes
        self._put = put
        self._on_start = on_start
        self._on_open = on_open
        self._asked = asyncio.Event()  # it is known what the answer answers
        self._due_ms: int | None = None  # by when something was to be heard of an answer that was given up unheard
        self.reply: Reply | None = None
        self.making = Making()
        self.time_up = False  # the next answer is the goodbye
        self._room: Room
        self._voice: AgentVoice

    def attach(self, room: Room) -> None:
        self._room = room
        self._voice = room.voice

    # As the room tells it

    def on_sent(self, at_ms: int) -> None:
        if self.reply is not None:
            self.reply.waterfall.sent_ms = at_ms

    def on_playing(self, from_ms: int) -> None:
        if self.reply is not None:
            self.reply.waterfall.played_ms = from_ms

    def on_played_out(self) -> None:
        if self.reply is not None:
            self._put(PlayedOut(self.reply.turn))

    @property
    def asked(self) -> bool:
        """False while an answer is under way that nobody knows the question of."""
        return self.reply is None or self._asked.is_set()

    def start(self, tasks: asyncio.TaskGroup, event: EventName | None, waterfall: Waterfall, failed: str) -> None:
        """Make an answer to what was said, or to `event`; `failed`: why there can be none but an apology.

        What was under way must have been discarded or committed.
        """
        self._asked.set()
        self._start(tasks, Reply(self._minutes.answer_asked(self._due(event)), waterfall, failed=failed))

    def start_ahead(self, tasks: asyncio.TaskGroup, waterfall: Waterfall) -> None:
        """Begin an answer with a stock phrase: it is not known yet what was said. Then call `ask`, or discard it."""
        self._asked.clear()
        self._start(tasks, Reply(self._minutes.answer_ahead(), waterfall))

    def ask(self, text: str, voice: VoiceEnded, event: EventName | None, failed: str) -> None:
        """Say what is to be answered behind a stock phrase that is being heard: `text`, or an event."""
        assert self.reply is not None
        self.reply.waterfall.transcript_ms = self._voice.now
        self.reply.failed = failed
        self.reply.turn = self._minutes.asked_at_last(self._due(event), text, voice)
        self._asked.set()

    async def discard(self) -> None:
        """Make no more of it. Of one that nobody has heard nothing is left, and what was said waits for the next."""
        await self.making.abandon()
        if self.reply is not None and not self.reply.opened:
            self._due_ms = self.reply.waterfall.due_ms
            self.reply = None
            self._minutes.answer_taken_back()

    def commit(self, *, cut_at_ms: int | None) -> None:
        """It is over: remember and report what was heard of it. `cut_at_ms`: None when it was heard to its end."""
        reply, self.reply = self.reply, None
        if reply is None or not reply.opened:
            return
        heard = reply.heard_text(self._voice.reply_ms if cut_at_ms is None else self._voice.heard_ms)
        if cut_at_ms is not None:
            self._voice.drop_reply()
        self._minutes.agent_said(reply, heard, self._voice.now if cut_at_ms is None else cut_at_ms)

    def _due(self, event: EventName | None) -> EventName | None:
        event, self.time_up = (EventName.TIME_UP if self.time_up else event), False
        return event

    def _start(self, tasks: asyncio.TaskGroup, reply: Reply) -> None:
        if reply.waterfall.due_ms is None:
            reply.waterfall.due_ms = self._due_ms  # who waited for the one waits for this one
        self._due_ms = None
        self.reply = reply
        self._on_start()
        self.making.start(tasks, self._make(reply))

    async def _make(self, reply: Reply) -> None:
        failed, room = "", self._room
        try:
            await produce(
                reply,
                self._minutes.memory,
                self._minds,
                self._voice,
                self._opened,
                lambda: room.voice_begins,
                lambda: room.voice_now,
                self._asked,
            )
        except SpeakingFailed as error:
            failed = error.reason
        self._put(ReplyMade(reply.turn, failed))

    def _opened(self) -> None:
        self._on_open()
        self._minutes.answer_begins(asked=self._asked.is_set())
