"""Does the agent let people finish, and speak on when nobody wants the floor? Told from the carrier's account alone.

`truth` is what `/box/calls/{sid}` gives. The far end knows what the persona did; sounds that it made without wanting
the floor (asides) are its utterances too, and a stop for one of them is no stop for nothing.
"""

from collections.abc import Mapping
from typing import Any, Final

# A burst that begins sooner was on its way when the person began: nobody can take that back.
_ON_ITS_WAY_MS: Final = 500
# Under so much of an utterance's end nothing is lost: people's turns overlap by as much.
_OVERLAP_MS: Final = 60
_NOTICED_MS: Final = 600  # after a sound has ended it may still be what stopped the agent


def cut_ins_ms(truth: Mapping[str, Any]) -> list[float]:
    """Return, for each time that the agent began to speak in the middle of somebody's sentence, how long it did."""
    found = []
    for said in truth["utterances"]:
        if said["aside"]:
            continue
        found += [
            min(burst["ended_ms"], said["ended_ms"]) - burst["started_ms"]
            for burst in truth["agent_audio"]
            if said["started_ms"] + _ON_ITS_WAY_MS < burst["started_ms"] < said["ended_ms"] - _OVERLAP_MS
        ]
    return found


def stops_for_nothing_ms(truth: Mapping[str, Any]) -> list[float]:
    """Return when the agent's voice was cut off though nobody made a sound: an echo, a noise."""
    return [
        clear["at_ms"]
        for clear in truth["clears"]
        if clear["dropped_ms"] > 0
        and not any(
            said["started_ms"] <= clear["at_ms"] <= said["ended_ms"] + _NOTICED_MS for said in truth["utterances"]
        )
    ]
