"""What is due while it is not settled who answered: a greeting, a name for a screener, a message, keys, or waiting.

Decides only; the conversation carries it out. Sans-I/O.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from agent.greeting_words import GreetingWords, Speaks
from agent.llm.port import EventName
from agent.machine_ear import MachineEar, Verdict, Who
from agent.turns import timing
from events.call import AnsweredBy

BEEP_WAIT_S: Final = 6.0  # a machine whose words are over beeps within this, or records without a beep
HOLD_WAIT_S: Final = 30.0  # a screener asks the person
INTRODUCTIONS_MAX: Final = 2
KEYS_MAX: Final = 3  # menus one behind another
SETTLED_TURNS: Final = 3  # a caller who has said so much is no machine


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float


@dataclass(frozen=True, slots=True)
class Say:
    event: EventName | None  # None: an answer to what was said


class SoFar(Protocol):
    """What of the conversation's memory is needed."""

    @property
    def agent_has_spoken(self) -> bool: ...

    @property
    def owes_result(self) -> bool:
        """The agent has done something and not said yet what came of it."""


class Opening:
    """One call's. `on_beep`: leave the message now; `on_answerer`: who it is, as soon as that is known or changes."""

    def __init__(
        self, words: GreetingWords, on_beep: Callable[[], None], on_answerer: Callable[[AnsweredBy, str], None]
    ) -> None:
        self._ear = MachineEar(words, on_beep)
        self._on_answerer = on_answerer
        self._told: AnsweredBy | None = None
        self._screened = False  # we have waited once because the first utterance was long
        self._introductions = 0
        self._keys = 0
        self._turns = 0
        self._picked_up = False
        self.leaving_message = False

    def hear(self, pcm: bytes, at_ms: int) -> None:
        """Take a frame of theirs: int16 samples, 8 kHz, 20 ms; `at_ms` of the call."""
        self._ear.hear(pcm, at_ms)

    @property
    def silence_s(self) -> float:
        """How long they may be silent after the agent has spoken."""
        return HOLD_WAIT_S if self._introductions else timing.SILENCE_S

    def machine_waits(self, *, by_carrier: bool) -> bool:
        """A message is asked for; False when one is being left already, or when it is a person we talk with."""
        if self.leaving_message or (by_carrier and not self._ear.carrier_said(machine=True)):
            return False
        self._tell()
        self.leaving_message = True
        return True

    def after(self, text: str, voiced_ms: int, so_far: SoFar) -> Wait | Say:
        """Return what is due after an utterance of theirs, `voiced_ms` long."""
        if self._picked_up:
            self._picked_up = False
            return Say(EventName.ANSWERED)
        speaks = None if self._settled else self._ear.said(text, voiced_ms)
        self._turns += 1
        self._tell()
        if self._introductions or speaks is Speaks.SCREENING:
            return self._screening(speaks)
        if speaks is Speaks.HOLD:
            return Wait(HOLD_WAIT_S)
        if speaks is Speaks.VOICEMAIL:
            return Wait(BEEP_WAIT_S)
        if speaks is Speaks.MENU and self._keys < KEYS_MAX:
            self._keys += 1
            return Say(EventName.MENU)
        if so_far.agent_has_spoken:
            return Say(None if text or so_far.owes_result else EventName.NOT_UNDERSTOOD)
        if speaks is None and not self._screened and voiced_ms > timing.LONG_GREETING_MS:
            self._screened = True
            return Wait(timing.SCREENED_WAIT_S)
        return Say(EventName.ANSWERED)

    def expired(self, so_far: SoFar) -> Say:
        """Return what is due when what was waited for has not come."""
        if self._ear.verdict.who is Who.VOICEMAIL and self._ear.verdict.why != "length":
            self.leaving_message = True  # it records without a beep
            return Say(EventName.MESSAGE_BEEP)
        return Say(EventName.SILENCE if so_far.agent_has_spoken else EventName.ANSWERED)

    def picked_up(self, text: str, voiced_ms: int) -> bool:
        """Return whether what was said into our message is a person who has picked up after all."""
        if not text or self._ear.said(text, voiced_ms) not in (Speaks.PERSON, None):
            return False
        self._ear.person_talks()
        self._tell()
        self.leaving_message = False
        self._picked_up = True
        return True

    @property
    def _settled(self) -> bool:
        return self._turns >= SETTLED_TURNS and not self._introductions and not self._keys

    def _screening(self, speaks: Speaks | None) -> Wait | Say:
        """A screener has our name and asks the person; whoever then says anything else is the person."""
        if speaks is Speaks.SCREENING and self._introductions < INTRODUCTIONS_MAX:
            self._introductions += 1
            return Say(EventName.SCREENING)
        if speaks in (Speaks.SCREENING, Speaks.HOLD):
            return Wait(HOLD_WAIT_S)
        if speaks is Speaks.VOICEMAIL:
            self._introductions = 0
            return Wait(BEEP_WAIT_S)
        self._introductions = 0
        self._ear.person_talks()
        self._tell()
        return Say(EventName.ANSWERED)

    def _tell(self) -> None:
        verdict: Verdict = self._ear.verdict
        if verdict.why not in ("words", "beep"):
            return
        answerer = AnsweredBy.HUMAN if verdict.who is Who.PERSON else AnsweredBy.MACHINE
        if answerer is not self._told:
            self._told = answerer
            self._on_answerer(answerer, f"{verdict.who} by its {verdict.why}")
