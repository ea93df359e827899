"""By when a caller who has spoken must hear something: one budget for all that an answer takes. Sans-I/O.

Callers find two seconds of nothing dead air, whoever is to blame: the recogniser, the model or the voice. When the
budget is nearly used up a stock phrase begins (agent/bridge.py), and whatever hangs has its own time-out behind it.
Times are the call's timeline, in ms.
"""

from typing import Final

from agent.turns.ending import SILENCE_MS
from agent.turns.wording import Words

# From the caller's last voiced sample. Of two seconds the line's way there and back takes up to some 0.25 s, and a
# stock phrase from the cache begins at once: what is left over is for a busy machine.
FIRST_SOUND_MS: Final = 1_500
_USUAL_MS: Final = 600  # whole words are waited for no longer, but of slow speakers
PATIENCE_MS: Final = 200  # of a longer wait for a whole sentence: with it, and the line, two seconds are full
# An answer to nobody's words (a greeting, a question whether somebody is there): from when it was asked for.
UNASKED_MS: Final = 900
# Within an answer, from its last sound: then the next stock phrase begins.
NEXT_SOUND_MS: Final = 1_500

# A recogniser that works has told the last words so soon after a turn's end; another one is asked sooner yet
# (agent/stt/failover.py).
_CONFIRMED_MS: Final = 500

_UNFINISHED: Final = frozenset({Words.OPEN, Words.DICTATING, Words.HESITATING})


def due_ms(last_voiced_ms: int, ended_ms: int, words: Words) -> int:
    """Return when the first of the answer, or a stock phrase, must begin.

    Somebody who breaks off in mid-sentence is let look for the rest: that wait is not the answer's. Nor is all of it
    that a slow speaker is given behind whole words; but two seconds are two seconds.

    Args:
        ended_ms: when the turn was taken for over.
        words: of the turn.
    """
    silent_ms = ended_ms - last_voiced_ms
    waited_ms = silent_ms - SILENCE_MS if words in _UNFINISHED else min(silent_ms - _USUAL_MS, PATIENCE_MS)
    return last_voiced_ms + max(0, waited_ms) + FIRST_SOUND_MS


def unconfirmed_due_ms(last_voiced_ms: int, ended_ms: int, partial: Words) -> int:
    """Return when something must begin while the recogniser still owes the words of a turn.

    What it told before the end proves no broken-off sentence once it hangs: it may have hung in the middle of a whole
    one, whose speaker waits for an answer.

    Args:
        ended_ms: when the turn was taken for over.
        partial: of the words as far as they were told.
    """
    soonest_ms = max(last_voiced_ms + FIRST_SOUND_MS, ended_ms + _CONFIRMED_MS)
    return min(due_ms(last_voiced_ms, ended_ms, partial), soonest_ms)
