"""What brings a conversation back in which neither side has been heard for too long. Sans-I/O.

No rule of turn-taking leads here: something was lost, a signal in a flood, or the end of a voice. An agent that stays
silent then is worse than one that asks again. Silences that are somebody's turn have timers of their own.
"""

from enum import Enum, auto

from agent.turns.floor import Floor


class Remedy(Enum):
    NONE = auto()  # somebody else watches over this silence
    END_UTTERANCE = auto()  # what the caller said is over, though nobody said so
    ANSWER = auto()  # it was over, and no answer came of it
    SPEAK_ON = auto()  # the agent was stopped, and nobody let it go on


def remedy(floor: Floor, listening: bool, made: bool, paused: bool) -> Remedy:
    """Return what to do.

    Args:
        listening: an utterance is open at the recogniser.
        made: no answer is being made.
        paused: the agent's voice was stopped in mid-speech.
    """
    match floor:
        case Floor.CALLER | Floor.SUSPENDED if listening:
            return Remedy.END_UTTERANCE
        case Floor.CALLER if made:
            return Remedy.ANSWER
        case Floor.SPEAKING if paused:
            return Remedy.SPEAK_ON
        case _:
            return Remedy.NONE
