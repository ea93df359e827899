"""What a call's caller means and how they sound, told as events while the call goes on (S38, S138).

By the language's lexicon, in place: about half a millisecond an utterance. Where the operator has named a model it
is asked beside the conversation, which never waits for it; late, failed or unreadable, the lexicon's word stands.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog

from agent.llm.port import ModelUnavailable
from agent.understanding.anger import Anger
from agent.understanding.asked import Judgement, ask
from agent.understanding.objections import find_objections
from agent.understanding.senses import Senses
from agent.understanding.sentiment import judge
from events import call as events
from events.understanding import CallerAngry, CallerUnderstood

LEXICON: Final = "lexicon"
ASK_TIMEOUT_S: Final = 4.0
FINISH_TIMEOUT_S: Final = 2.0  # of a call that is over: its close must not wait for a judgement
WAITING_MAX: Final = 8  # utterances; one more is the lexicon's

log = structlog.get_logger()

_Turn = tuple[int, str]


class Grasp:
    """Of one call. `hear` never waits; `run` is needed only where there is a model."""

    def __init__(self, senses: Senses, emit: Callable[[events.Body], None]) -> None:
        self._lexicon = senses.lexicon
        self._examples = senses.examples
        self._model = senses.model
        self._model_name = senses.model_name
        self._emit = emit
        self._anger = Anger()
        self._alerted = False
        self._waiting: asyncio.Queue[_Turn] = asyncio.Queue(WAITING_MAX)  # full: the lexicon decides at once
        self._idle = asyncio.Event()
        self._idle.set()
        self._over = False

    @property
    def angry(self) -> bool:
        """How it is now, for whoever listens live; the alert is told once a call."""
        return self._anger.angry

    @property
    def level(self) -> float:
        """-1 hostile to 1 delighted, over the last few utterances."""
        return self._anger.level

    @property
    def asks(self) -> bool:
        """True where there is a model to ask: then `run` is needed."""
        return self._model is not None

    def hear(self, turn: int, said: str) -> None:
        """Take what the caller said in a turn."""
        if not said.strip():
            return
        if self._model is None or self._over:
            self._judge_by_lexicon(turn, said)
            return
        try:
            self._waiting.put_nowait((turn, said))
        except asyncio.QueueFull:
            self._judge_by_lexicon(turn, said)
        else:
            self._idle.clear()

    async def run(self) -> None:
        """Ask the model, one utterance after another, until cancelled."""
        assert self._model is not None, "only where there is one"
        while True:
            turn, said = await self._waiting.get()
            try:
                async with asyncio.timeout(ASK_TIMEOUT_S):
                    judgement = await ask(self._model, said)
            except (ModelUnavailable, TimeoutError) as error:
                failure = error.failure.value if isinstance(error, ModelUnavailable) else "timeout"
                log.info("grasp.model_failed", failure=failure)
                self._judge_by_lexicon(turn, said)
            except asyncio.CancelledError:
                self._judge_by_lexicon(turn, said)
                raise
            else:
                self._tell(turn, judgement, self._model_name)
            if self._waiting.empty():
                self._idle.set()

    async def finish(self) -> None:
        """The call is over: wait a little for what is being judged. What is not judged then `close` sees to."""
        try:
            async with asyncio.timeout(FINISH_TIMEOUT_S):
                await self._idle.wait()
        except TimeoutError:
            log.info("grasp.unfinished")
        self.close()

    def close(self) -> None:
        """Let the lexicon judge what waits, now and from here on."""
        self._over = True
        while not self._waiting.empty():
            self._judge_by_lexicon(*self._waiting.get_nowait())

    def _judge_by_lexicon(self, turn: int, said: str) -> None:
        if self._lexicon.is_empty and not self._examples:
            return
        found = find_objections(said, self._lexicon, self._examples)
        self._tell(turn, Judgement(judge(said, self._lexicon), found), LEXICON)

    def _tell(self, turn: int, judgement: Judgement, source: str) -> None:
        sentiment, found = judgement.sentiment, judgement.objections
        self._emit(
            CallerUnderstood(
                turn,
                sentiment.mood,
                sentiment.score,
                sentiment.confidence,
                tuple(objection.kind for objection in found),
                tuple(objection.quote for objection in found),
                source,
            )
        )
        if self._anger.hear(sentiment) and not self._alerted:
            self._alerted = True
            self._emit(CallerAngry(turn, round(self._anger.level, 3)))
