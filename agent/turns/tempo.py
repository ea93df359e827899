"""How slowly one caller speaks, learnt from their pauses: how long words that look whole are waited for. Sans-I/O.

Most people pause inside a sentence where the words show that more must come. Some, often the old and the thoughtful,
pause as long behind words that look whole ("Yes … that sounds good"), and no witness tells that from an end. Whoever
was answered in such a pause and went on with the same thought must not be cut into again: from then on whole words are
waited for as well, for longer with each further time, and less with each turn in which nothing of the kind happens.
Two long pauses in turns that are over are a hint before anybody was cut into, and count for less.

Who never pauses is waited for no longer than the table says (agent/turns/ending.py). All times are in ms.
"""

from dataclasses import dataclass, replace
from typing import Final

# With the 400 ms in which an answer can begin it is heard within two seconds, which is when silence is dead air.
BOUND_MS: Final = 1_300
PAUSE_MIN_MS: Final = 450  # breaths, closures and the wait for whole words are shorter
# Of the pause in which they were answered, as for unfinished words: the next is seldom the same. But what is waited for
# beyond a second is missing for the answer, which then begins with a stock phrase: only pauses that were made earn it.
_TIMES: Final = 1.5
LESSON_MAX_MS: Final = 1_200  # who spoke over us later than this would not have been spared it by a wait
_EASY_MS: Final = 1_000
_LEAST_TIMES: Final = 1.3
_MORE_MS: Final = 250  # with each further time, at least, as long as it costs nothing else
_HINT_SHARE: Final = 0.75  # of the second longest pause: one alone is chance
_FALL: Final = 0.8  # with each turn in which nothing happened: halved after three
_LEAST_MS: Final = 160  # the table's shortest wait: less makes no difference


@dataclass(frozen=True, slots=True)
class Tempo:
    """What one call has taught so far. Each lesson is a new value, so that one that proves to be none can be undone."""

    habit_ms: int = 0  # the longest pause inside a sentence
    granted_ms: int = 0  # since they were answered too soon
    longest_ms: tuple[int, int] = (0, 0)  # pauses from PAUSE_MIN_MS on, the longest two, falling
    hinted_ms: int = 0  # by the second of them, as it was when this turn began
    quiet: bool = True  # nothing has been learnt in this turn

    @property
    def whole_ms(self) -> int:
        """How long whole words are waited for at least, whatever the table says; BOUND_MS at most."""
        return min(BOUND_MS, max(self.granted_ms, self.hinted_ms))

    def begun(self) -> "Tempo":
        """A turn begins: what its own pauses will teach counts from the next one on, for few are made twice."""
        return replace(self, hinted_ms=round(self.longest_ms[1] * _HINT_SHARE), quiet=True)

    def went_on(self, pause_ms: int) -> "Tempo":
        """They went on after a pause inside their turn, or behind words that broke off."""
        learnt = replace(self, habit_ms=max(self.habit_ms, pause_ms))
        if pause_ms < PAUSE_MIN_MS:
            return learnt
        first, second, _ = sorted((*self.longest_ms, min(pause_ms, BOUND_MS)), reverse=True)
        # Who was cut into once is believed at once.
        granted_ms = max(self.granted_ms, _with_room(pause_ms)) if self.granted_ms else 0
        return replace(learnt, longest_ms=(first, second), granted_ms=granted_ms, quiet=False)

    def cut_into(self, pause_ms: int) -> "Tempo":
        """They went on so long after their last sound, though an answer was under way."""
        if pause_ms > LESSON_MAX_MS:
            return self
        more_ms = max(self.granted_ms, min(self.granted_ms + _MORE_MS, _EASY_MS))
        granted_ms = max(_with_room(pause_ms), more_ms)
        return replace(self, granted_ms=granted_ms, quiet=False)

    def over(self) -> "Tempo":
        """A turn has ended."""
        if not self.quiet:
            return self
        first, second = (_fallen(pause_ms) for pause_ms in self.longest_ms)
        return replace(self, granted_ms=_fallen(self.granted_ms), longest_ms=(first, second))


def _with_room(pause_ms: int) -> int:
    return min(BOUND_MS, max(min(round(pause_ms * _TIMES), _EASY_MS), round(pause_ms * _LEAST_TIMES)))


def _fallen(value_ms: int) -> int:
    fallen_ms = round(value_ms * _FALL)
    return fallen_ms if fallen_ms > _LEAST_MS else 0
