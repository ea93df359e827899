"""What was said in a call, and how far it was heard: kept for the model, and told to whoever follows the call."""

import asyncio
import contextlib

from agent import report
from agent.llm.port import EventName
from agent.memory import Memory
from agent.ports import Minds, Witness
from agent.reply import Reply, Waterfall
from agent.speaking import TO_MACHINES, think_silently
from agent.turns import timing
from agent.turns.assent import is_backchannel
from events import call as events
from media.activity.detector import VoiceEnded


class Minutes:
    """One call's. Each turn of either side has the next number; an answer that nobody heard gives its own back."""

    def __init__(self, witness: Witness) -> None:
        self.memory = Memory()
        self._witness = witness
        self._facts = report.Facts(witness.emit)
        self._turn = 0
        self._opens = True  # the answer that was asked for last begins with what must be disclosed

    def caller_said(self, text: str, voice: VoiceEnded) -> None:
        self.memory.caller_said(text)
        self._turn += 1
        self._witness.emit(report.caller_turn(self._turn, text, voice))

    def new_turn(self) -> int:
        """Somebody has spoken who is neither the caller to the agent nor the agent in answer: return their turn."""
        self._turn += 1
        return self._turn

    def answer_asked(self, event: EventName | None) -> int:
        """Put what waits for an answer before the model; return the answer's turn."""
        self.memory.ask(event)
        # Answers to machines disclose nothing to a person: who is fetched hears it all from the beginning.
        # What follows a person's words opens nothing either.
        self._opens = event not in TO_MACHINES and event is not EventName.HANDED_BACK
        self._turn += 1
        return self._turn

    def answer_ahead(self) -> int:
        """An answer begins before it is known what it answers; return its turn, until that is known."""
        self._turn += 1
        return self._turn

    def asked_at_last(self, event: EventName | None, text: str, voice: VoiceEnded) -> int:
        """What an answer answers that is being heard already: `text`, or an event. Return the answer's turn."""
        self._turn -= 1  # the caller's own turn was before it
        if text:
            self.caller_said(text, voice)
        if event is None and not self.memory.unanswered:
            event = EventName.NOT_UNDERSTOOD
        turn = self.answer_asked(event)
        self.memory.answer_heard()
        return turn

    def answer_begins(self, *, asked: bool) -> None:
        """The first of it goes to the line; `asked`: it is known what it answers."""
        if asked:
            self.memory.answer_heard()
        self._witness.on_floor(speaking=True)

    def answer_taken_back(self) -> None:
        """Nothing of it was heard: what the caller said waits for the next one."""
        self.memory.take_back()
        self._turn -= 1

    def interrupted(self, reply: Reply, began_ms: int, stopped_ms: int) -> None:
        """The caller spoke over an answer from `began_ms` on, and its voice stopped at `stopped_ms`."""
        self._witness.emit(events.BargedIn(reply.turn, began_ms, max(0, stopped_ms - began_ms)))

    def established(self, reply: Reply) -> None:
        """An answer can establish something without a word."""
        self._facts.note(reply)

    def agent_said(self, reply: Reply, heard: str, ended_ms: int) -> None:
        """An answer is over, and this of it was heard."""
        whole = heard.split() == reply.text.split()
        self.memory.agent_heard(heard, cut_short=not whole)
        self._witness.on_floor(speaking=False)
        for body in report.answer(reply, heard, ended_ms, interrupted=not whole):
            self._witness.emit(body)
        self._facts.note(reply)
        if whole and reply.text and self._opens:
            self._witness.on_disclosed(ended_ms)

    async def conclude(self, minds: Minds, within_s: float | None = None) -> events.Outcome | None:
        """Think about last words that nobody can answer any more; return the outcome that they decide.

        `within_s`: someone waits; what takes longer is not concluded.
        """
        if not self.memory.unanswered:
            return None
        self.memory.ask(None)
        silent = Reply(0, Waterfall())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                silent = await think_silently(self.memory.messages, minds)
        self._facts.note(silent)
        return report.decided_outcome(silent)

    async def parted(
        self, outcome: events.Outcome | None, reason: str, minds: Minds
    ) -> tuple[events.Outcome | None, str]:
        """Return how the call ends (outcome, reason) now that something was said to our goodbye.

        What ended the call stands, but who wants no more calls is heard even now.
        """
        if is_backchannel(self.memory.unanswered, minds.backchannels):
            return outcome, reason
        decided = await self.conclude(minds, timing.CONCLUDED_S)
        return (decided, "") if decided is events.Outcome.OPTED_OUT else (outcome, reason)
