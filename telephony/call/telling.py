"""What a call tells: each event is counted and sent out, and what the caller says is understood on its way."""

import asyncio

from agent.understanding.grasp import Grasp
from agent.understanding.senses import Senses
from events import call as events
from media.jitter import Connection, Quality
from telephony.call.emitter import Emitter
from telephony.figures import Figures


class Telling:
    """One call's. `emit` never waits."""

    def __init__(self, emitter: Emitter, figures: Figures, senses: Senses) -> None:
        self._emitter = emitter
        self._figures = figures
        self.grasp = Grasp(senses, self.emit)

    def emit(self, body: events.Body) -> None:
        self._figures.note(body)
        self._emitter.emit(body)
        if isinstance(body, events.TurnFinished) and body.speaker is events.Speaker.CALLER:
            self.grasp.hear(body.turn, body.text)

    def quality(self, leg: str, quality: Quality) -> None:
        """Tell that a leg's connection became unstable, or is stable again."""
        stable = quality.connection is Connection.STABLE
        self.emit(events.LegQuality(leg, stable, round(quality.jitter_ms), round(quality.loss, 3)))

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Begin to ask, in the call's group, where a model is to be asked."""
        if self.grasp.asks:
            tasks.create_task(self.grasp.run(), name="call.grasp")

    async def finish(self) -> None:
        """The conversation is over: let what is being judged come to its end, for a moment."""
        await self.grasp.finish()
