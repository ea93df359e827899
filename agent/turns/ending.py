"""When a turn is over: a table of how much silence is enough, and one call's state. Sans-I/O.

Two witnesses are heard: the words (agent/turns/wording.py) and the sound (smart-turn). Where both say that the speaker
has finished, the answer comes at once; where they doubt, it waits; who is looking for a word is let look. Neither
witness has to be there: without any, silence alone decides, as long as it always has. A recogniser that finds the
end of turns itself is a third, and believed unless the words are plainly unfinished.

Who has paused inside a sentence pauses again: after the first time it happens in a call, unfinished words are waited
for as long as that took and some more. Who was answered in a pause and went on is waited for behind whole words too
(agent/turns/tempo.py).

All times are the call's timeline, in ms; silence counts from the last voiced sample.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from agent.turns.tempo import Tempo
from agent.turns.wording import Words


class Sound(Enum):
    """What the sound says, most finished first: columns of the table."""

    FINISHED = auto()
    LIKELY = auto()
    UNKNOWN = auto()
    UNLIKELY = auto()
    UNFINISHED = auto()


# From these probabilities on. Between the middle ones the network errs as often as not (`salesos bench turns`).
_FINISHED_MIN: Final = 0.8
_LIKELY_MIN: Final = 0.5
_UNLIKELY_MIN: Final = 0.2

# Silence without any witness: what the voice activity alone waits. Breaths and closures of consonants are shorter.
SILENCE_MS: Final = 384
# ms of silence that end a turn, by `Sound` in its order. Found with `salesos bench turns`. Recognisers know a word some
# 200 ms after it was said: where words are not known to be finished, the last of them gets the time to arrive.
_WAITS: Final[Mapping[Words, tuple[int, int, int, int, int]]] = {
    Words.FINISHED: (160, 220, 260, 380, 480),
    Words.NONE: (280, 320, SILENCE_MS, 600, 800),
    Words.PLAIN: (320, 360, SILENCE_MS, 640, 900),
    Words.OPEN: (640, 800, 1_100, 1_200, 1_300),
    Words.DICTATING: (800, 900, 1_200, 1_300, 1_400),
    Words.HESITATING: (1_000, 1_100, 1_400, 1_500, 1_600),
}
LONGEST_MS: Final = max(max(row) for row in _WAITS.values())
_HABIT_MAX_MS: Final = 1_400  # the last words may be known late: who has finished must not wait for ever
_HABIT_TIMES: Final = 1.5  # of the longest pause after which they went on
CUT_OFF_MS: Final = 2_000  # who speaks again so soon after an unfinished sentence was not let finish it
_UNFINISHED_WORDS: Final = frozenset({Words.OPEN, Words.DICTATING, Words.HESITATING})
# A turn that may end within this much silence is probably over: worth beginning to think about an answer.
PROBABLE_MS: Final = SILENCE_MS


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the end of what was said."""

    words: Words = Words.NONE
    probability: float | None = None  # smart-turn's, of the pause that lasts now
    engine_ended: bool = False  # the recogniser says that the turn is over
    habit_ms: int = 0  # the longest pause inside a sentence that this caller has made
    whole_ms: int = 0  # how long words are waited for at least, whole ones too: this caller's tempo


def sound_of(probability: float | None) -> Sound:
    if probability is None:
        return Sound.UNKNOWN
    if probability >= _FINISHED_MIN:
        return Sound.FINISHED
    if probability >= _LIKELY_MIN:
        return Sound.LIKELY
    return Sound.UNLIKELY if probability >= _UNLIKELY_MIN else Sound.UNFINISHED


def wait_ms(evidence: Evidence) -> int:
    """Return how much silence ends the turn."""
    row = _WAITS[evidence.words]
    if evidence.engine_ended:
        return max(row[0] if evidence.words in _UNFINISHED_WORDS else 0, evidence.whole_ms)
    wait = row[list(Sound).index(sound_of(evidence.probability))]
    if evidence.words in _UNFINISHED_WORDS:
        wait = max(wait, min(round(evidence.habit_ms * _HABIT_TIMES), _HABIT_MAX_MS))
    return max(wait, evidence.whole_ms)


def silence_only_ms(_evidence: Evidence) -> int:
    """The rule of voice activity alone, to measure the other against."""
    return SILENCE_MS


class Phase(Enum):
    SILENT = auto()  # between turns
    SPEAKING = auto()
    PAUSED = auto()


class Ending:
    """One call's turns. What does not fit the phase changes nothing: signals may come late."""

    def __init__(self, wait: Callable[[Evidence], int] = wait_ms) -> None:
        """`wait`: how much silence ends a turn, in ms."""
        self._wait = wait
        self.phase = Phase.SILENT
        self.evidence = Evidence()
        self._tempo = Tempo()
        self._untaught = self._tempo  # as it was before they went on after an answer
        self.first_voiced_ms = 0
        self.last_voiced_ms = 0

    @property
    def due_ms(self) -> int | None:
        """When the turn is over if nothing else happens; None while it is not paused."""
        if self.phase is not Phase.PAUSED:
            return None
        return self.last_voiced_ms + self._wait(self.evidence)

    @property
    def probable(self) -> bool:
        """True while the turn is probably over: paused, and not for long any more.

        Who is given time out of patience alone has probably ended too: the answer is ready when the time is over.
        """
        return self.phase is Phase.PAUSED and self._wait(replace(self.evidence, whole_ms=0)) <= PROBABLE_MS

    def started(self, first_voiced_ms: int, *, answered: bool = False) -> None:
        """`answered`: an answer to the turn before is under way, and they do not speak because of what they heard."""
        if self.phase is Phase.SILENT:
            pause_ms = first_voiced_ms - self.last_voiced_ms
            self._untaught = self._tempo = self._tempo.begun()
            if self.last_voiced_ms and pause_ms < CUT_OFF_MS:
                if self.evidence.words in _UNFINISHED_WORDS:
                    self._untaught = self._tempo = self._tempo.went_on(pause_ms)
                if answered:
                    self._tempo = self._tempo.cut_into(pause_ms)
            self.phase = Phase.SPEAKING
            self.first_voiced_ms = self.last_voiced_ms = first_voiced_ms
            self.evidence = Evidence(habit_ms=self._tempo.habit_ms, whole_ms=self._tempo.whole_ms)

    def paused(self, last_voiced_ms: int) -> None:
        if self.phase is Phase.SPEAKING:
            self.phase = Phase.PAUSED
            self.last_voiced_ms = last_voiced_ms

    def resumed(self, at_ms: int) -> None:
        """The speaker goes on: what the last pause sounded like counts no more, how long it was does."""
        if self.phase is Phase.PAUSED:
            self.phase = Phase.SPEAKING
            self._tempo = tempo = self._tempo.went_on(at_ms - self.last_voiced_ms)
            self.evidence = replace(
                self.evidence,
                probability=None,
                engine_ended=False,
                habit_ms=tempo.habit_ms,
                whole_ms=tempo.whole_ms,
            )

    def understood(self, words: Words) -> None:
        """More was understood: what the recogniser said of the end was of less."""
        if self.phase is not Phase.SILENT:
            self.evidence = replace(self.evidence, words=words, engine_ended=False)

    def judged(self, probability: float | None) -> None:
        if self.phase is Phase.PAUSED:
            self.evidence = replace(self.evidence, probability=probability)

    def engine_ended(self) -> None:
        """The recogniser found the end, perhaps before the voice activity heard the pause."""
        if self.phase is not Phase.SILENT:
            self.evidence = replace(self.evidence, engine_ended=True)

    def ended(self, *, said: bool = True) -> bool:
        """Close the turn; False when there is none, or it is closed already.

        `said`: False of a cough or a nod, which is nobody's going on, and teaches nothing.
        """
        if self.phase is Phase.SILENT:
            return False
        self.phase = Phase.SILENT
        self._tempo = self._tempo.over() if said else self._untaught
        return True
