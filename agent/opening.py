"""What is due while it is not settled who answered: a greeting, a name for a screener, a message, keys, or waiting.

Decides only; the conversation carries it out. Sans-I/O. An announcement comes in pieces, with pauses that end turns:
what is said while the agent is silent belongs together, and nobody speaks into it who wants to be heard.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from agent.greeting_words import GreetingWords, Speaks
from agent.llm.port import EventName
from agent.machine_ear import MachineEar, Verdict, Who
from agent.turns import timing
from events.call import AnsweredBy

BEEP_WAIT_S: Final = 6.0  # a machine whose words are over beeps within this, or records without a beep
HOLD_WAIT_S: Final = 30.0  # a screener asks the person; a menu puts through
SOUND_WAIT_S: Final = 2.0  # on hold, after a short sound that was no words: whoever it is says more, or waits for us
SOUND_MAX_MS: Final = 1_500  # longer, it is ring-back or music
INTRODUCTIONS_MAX: Final = 3  # some of them into its own words
KEYS_MAX: Final = 3  # menus one behind another
SETTLED_EXCHANGES: Final = 3  # whoever has answered us so often is no machine
PIECES_MAX: Final = 8  # of an announcement
DOUBTFUL_SILENCES: Final = 2  # at this one a machine that cannot be told from a person gets its message


@dataclass(frozen=True, slots=True)
class Wait:
    seconds: float  # for more; then `expired` tells what is due


@dataclass(frozen=True, slots=True)
class Say:
    event: EventName | None  # None: an answer to what was said


class SoFar(Protocol):
    """What of the conversation's memory is needed."""

    @property
    def agent_has_spoken(self) -> bool: ...

    @property
    def answers_heard(self) -> int:
        """How many of the agent's answers were heard to their end."""

    @property
    def answers_begun(self) -> int:
        """Of how many answers at least a word was heard."""

    @property
    def owes_result(self) -> bool:
        """The agent has done something and not said yet what came of it."""


class Opening:
    """One call's. `on_beep`: leave the message now; `on_answerer`: who it is, as soon as that is known or changes."""

    def __init__(
        self,
        words: GreetingWords,
        on_beep: Callable[[], None],
        on_answerer: Callable[[AnsweredBy, str], None],
        *,
        rung: bool = False,
    ) -> None:
        """`rung`: they rang us, so that we greet first, and who it is need not be found out."""
        self._ear = MachineEar(words, on_beep)
        self._on_answerer = on_answerer
        self._told: AnsweredBy | None = None
        self._pieces: deque[str] = deque(maxlen=PIECES_MAX)  # said since the agent was heard
        self._answers = 0  # of ours that were heard when they spoke last
        self._exchanges = 0
        self._then = EventName.ANSWERED  # due when what is waited for does not come
        self._person_due = False  # and it is due to a person
        self._unclear = False  # we have waited once because an utterance was long and told nothing
        self._fetching = False  # somebody is asked to come to the telephone
        self._introductions = 0
        self._keys = 0
        self._silences = 0
        self._picked_up = False  # in mid-message, and nothing was answered yet
        self._unmet: int | None = None  # answers begun when they did; None: they have heard us greet them since
        self.leaving_message = False
        self.wait_s = timing.RUNG_WAIT_S if rung else timing.OPENING_WAIT_S  # for their first word
        self._rung = rung
        if rung:
            self._ear.stop()

    def hear(self, pcm: bytes, at_ms: int) -> None:
        """Take a frame of theirs: int16 samples, 8 kHz, 20 ms; `at_ms` of the call."""
        self._ear.hear(pcm, at_ms)

    @property
    def silence_s(self) -> float:
        """How long they may be silent after the agent has spoken."""
        return HOLD_WAIT_S if self._fetching else timing.SILENCE_S

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
            self._picked_up, self._unmet = False, so_far.answers_begun
        if self._unmet is not None and so_far.answers_begun <= self._unmet:
            return self._greet(person=True)  # "Hello?" "No, I am here!": none of it answers a question of ours
        self._unmet = None
        self._begin(so_far)
        if self._rung:
            return _answer(text, so_far) if so_far.agent_has_spoken else Say(EventName.ANSWERED)
        if self._exchanges >= SETTLED_EXCHANGES:
            self._ear.stop()
            return _answer(text, so_far)
        before = " ".join(self._pieces) if text or not self._fetching else ""
        speaks = self._ear.kind_of(text, before)
        self._pieces.append(text)
        if speaks is Speaks.HOLD and self._ear.verdict.who is Who.PERSON:
            speaks = None  # "one moment, please": they talk with us
        if speaks is Speaks.PERSON and self._ear.is_mailbox:
            # "Have a good evening" before the beep, or somebody who picks up before it: the beep will tell.
            return self._wait(timing.PIECE_GAP_S, EventName.ANSWERED, person=True)
        self._ear.said(speaks, voiced_ms)
        if self._exchanges and text and speaks is None and voiced_ms <= timing.LONG_GREETING_MS:
            self._ear.person_talks()  # they took turns with us
        self._tell()
        match speaks:
            case Speaks.VOICEMAIL:
                self._fetching = False
                return self._wait(BEEP_WAIT_S, EventName.MESSAGE_BEEP)
            case Speaks.SCREENING if self._introductions < INTRODUCTIONS_MAX:
                return self._wait(timing.PIECE_GAP_S, EventName.SCREENING)
            case Speaks.MENU if self._keys < KEYS_MAX:
                return self._wait(timing.MENU_GAP_S, EventName.MENU)
            case Speaks.SCREENING | Speaks.MENU | Speaks.HOLD:
                return self._wait(HOLD_WAIT_S, _silence(so_far))
        return self._after_a_person(text, voiced_ms, so_far, known=speaks is Speaks.PERSON)

    def hears_person(self, voiced_ms: int, so_far: SoFar) -> bool:
        """Return whether it is most likely a person who has spoken, though no words of it are known yet."""
        if self.leaving_message or self._fetching or self._ear.is_mailbox:
            return False
        return so_far.agent_has_spoken or voiced_ms <= timing.LONG_GREETING_MS

    def expired(self) -> Say:
        """Return what is due when what was waited for has not come."""
        match self._then:
            case EventName.SCREENING:
                self._introductions += 1
                self._fetching = True
            case EventName.MENU:
                self._keys += 1
                self._fetching = True
            case EventName.MESSAGE_BEEP:
                self.leaving_message = True  # it records without a beep
            case EventName.ANSWERED:
                return self._greet(person=self._person_due)
        return Say(self._then)

    def unanswered(self) -> Say | None:
        """Nobody answered what the agent said; return what is due if that may well have been a machine."""
        self._silences += 1
        if self._silences < DOUBTFUL_SILENCES or not self._ear.in_doubt or self._exchanges or self.leaving_message:
            return None
        self.leaving_message = True
        return Say(EventName.MESSAGE_BEEP)

    def settled(self) -> None:
        """A person of ours has talked with whoever answered: it is nobody else's conversation any more."""
        self._ear.person_talks()
        self._ear.stop()
        self._exchanges = SETTLED_EXCHANGES
        self._fetching = self._picked_up = self.leaving_message = False
        self._unmet = None
        self._tell()

    def picked_up(self, text: str, voiced_ms: int) -> bool:
        """Return whether what was said into our message is a person who has picked up after all."""
        if not text or self._ear.kind_of(text) not in (Speaks.PERSON, None):
            return False
        self._ear.said(Speaks.PERSON, voiced_ms)
        self._tell()
        self.leaving_message = False
        self._picked_up = True
        return True

    def _begin(self, so_far: SoFar) -> None:
        """They speak: is it the next thing, or more of the same announcement?"""
        if so_far.answers_heard > self._answers:
            self._pieces.clear()
            self._exchanges += not self._fetching
        self._answers = so_far.answers_heard

    def _after_a_person(self, text: str, voiced_ms: int, so_far: SoFar, *, known: bool) -> Wait | Say:
        """Return what is due after words that are no machine's; `known`: they are a person's."""
        if self._ear.is_mailbox and not known:
            return self._wait(BEEP_WAIT_S, EventName.MESSAGE_BEEP)  # a sound between its words and its beep
        if self._fetching and not text:
            # Ring-back, a click, music; or somebody who cannot be made out.
            return self._wait(SOUND_WAIT_S if voiced_ms <= SOUND_MAX_MS else HOLD_WAIT_S, EventName.ANSWERED)
        long = voiced_ms > timing.LONG_GREETING_MS and not known
        if long and not self._unclear and not self._exchanges:
            self._unclear = True
            return self._wait(timing.UNCLEAR_WAIT_S, EventName.ANSWERED)
        if so_far.agent_has_spoken and not self._fetching:
            return _answer(text, so_far)
        return self._greet(person=bool(text) and (known or self._fetching))

    def _greet(self, *, person: bool = False) -> Say:
        """Begin with whoever is there; `person`: who that is, is known."""
        if person or self._fetching:
            self._ear.person_talks()
            self._tell()
            self._pieces.clear()
        self._fetching = False
        self._exchanges = 0
        return Say(EventName.ANSWERED)

    def _wait(self, seconds: float, then: EventName, *, person: bool = False) -> Wait:
        self._then, self._person_due = then, person
        return Wait(seconds)

    def _tell(self) -> None:
        verdict: Verdict = self._ear.verdict
        if verdict.why not in ("words", "beep"):
            return
        answerer = AnsweredBy.HUMAN if verdict.who is Who.PERSON else AnsweredBy.MACHINE
        if answerer is not self._told:
            self._told = answerer
            self._on_answerer(answerer, f"{verdict.who} by its {verdict.why}")


def _answer(text: str, so_far: SoFar) -> Say:
    return Say(None if text or so_far.owes_result else EventName.NOT_UNDERSTOOD)


def _silence(so_far: SoFar) -> EventName:
    return EventName.SILENCE if so_far.agent_has_spoken else EventName.ANSWERED
