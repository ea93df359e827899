"""Every silence is somebody's: a timer's, an answer's that is being made, or the watchdog's."""

import itertools

import pytest

from agent.turns.floor import Floor
from agent.turns.remedy import Remedy, remedy

YES_NO = (False, True)


@pytest.mark.parametrize(("floor", "listening", "made", "paused"), list(itertools.product(Floor, *[YES_NO] * 3)))
def test_every_floor(floor: Floor, listening: bool, made: bool, paused: bool) -> None:
    found = remedy(floor, listening, made, paused)
    if floor in (Floor.CALLER, Floor.SUSPENDED) and listening:
        assert found is Remedy.END_UTTERANCE
    elif floor is Floor.CALLER:
        assert found is (Remedy.ANSWER if made else Remedy.NONE)
    elif floor is Floor.SPEAKING:
        assert found is (Remedy.SPEAK_ON if paused else Remedy.NONE)
    else:
        assert found is Remedy.NONE  # opening, listening, parting, last words and a suspended agent have timers
