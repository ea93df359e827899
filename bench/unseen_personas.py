"""What must come of the calls of personas that nothing is tuned on: `salesos bench personas --unseen`.

Written before any of them was called for the first time (config/personas/unseen/). Whoever mends what they show has to
write new ones.
"""

from collections.abc import Mapping
from typing import Final

from bench.personas import Expected

UNSEEN: Final[Mapping[str, Expected]] = {
    # Cut short twice, the agent stops at once, and the wish is taken.
    "angry": Expected("ended", ("opted_out",), "human", "do_not_call", True, (1, 2), do_not_call=True),
    # Whoever comes to the telephone is told who calls, and the talk begins again with them.
    "hands_over": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    # The question is answered, and the meeting is made all the same.
    "asks_over": Expected("ended", ("goal_reached",), "human", "meeting_booked", True, (1, 1)),
    # A street and the agent's own echo at once: nothing of either is taken for an interruption.
    "kitchen_speaker": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    # Pauses as long as an answer, behind words that could be all. The first one cannot be known; no other is cut.
    "takes_time": Expected("ended", ("goal_reached",), "human", "meeting_booked", True, (0, 1)),
    # Five nods over the agent's voice, and none of them stops it for good.
    "hums_along": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    # Each question is answered, and ours asked again.
    "asks_back": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    # In mid-call: waited for, and the talk goes on with whoever comes.
    "passes_on": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    # Two things at once, with a pause between them: both are taken.
    "says_both": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
}

# They were unseen until something was mended on what they showed.
ONCE_UNSEEN: Final[Mapping[str, Expected]] = {
    # Seconds of thought and pauses in the middle of a sentence do not lose the meeting; one pause may be cut.
    "elderly": Expected("ended", ("goal_reached",), "human", "meeting_booked", True, (0, 1)),
    # A no is taken up once, and thinking aloud is not cut.
    "thinks_again": Expected("ended", ("goal_reached",), "human", "meeting_booked", True),
    # "Uh-huh" is a yes where yes or no was asked, and no time where a time was: to be called back, not asked for ever.
    "only_nods": Expected("ended", ("callback_requested", "no_response"), "human", None, True),
}
