"""Where the sound of a recording and the call's own events differ: a cross-check of both. Sans-I/O.

Events tell turns, sound tells spurts. A spurt belongs to the turn of its speaker that it lies in by half or more. Sound
without a turn is no fault by itself: assent and coughs make none.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from bench.turn_table.rows import Who
from bench.turn_table.spurts import Spurt

APART_MS: Final = 200  # edges may differ by this: events count windows of 32 ms, and trips to the carrier and back
NEAR_MS: Final = 400  # sound so far outside a turn still belongs to it


class Difference(msgspec.Struct, frozen=True):
    who: Who
    at_ms: int
    text: str


def differences(
    turns: Sequence[Mapping[str, Any]], caller: Sequence[Spurt], agent: Sequence[Spurt]
) -> list[Difference]:
    """Return where they differ, in order.

    Args:
        turns: of the call's summary: speaker, heard_text, started_ms, ended_ms.
    """
    found: list[Difference] = []
    for who, spurts in ((Who.CALLER, caller), (Who.AGENT, agent)):
        mine = _joined([turn for turn in turns if turn["speaker"] == who and turn["heard_text"]])
        claimed: set[Spurt] = set()
        for turn in mine:
            sound = [spurt for spurt in spurts if _lies_in(spurt, turn)]
            claimed.update(sound)
            found += _edges(who, turn, sound)
        found += [
            Difference(
                who, spurt.started_ms, f"{_at(spurt.started_ms)}: the {who} is heard for {spurt.ms} ms, in no turn"
            )
            for spurt in spurts
            if spurt not in claimed
        ]
    return sorted(found, key=lambda one: one.at_ms)


def _joined(turns: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return turns with those made one that follow each other as closely as the sounds within a spurt."""
    found: list[dict[str, Any]] = []
    for turn in turns:
        if found and turn["started_ms"] - found[-1]["ended_ms"] <= NEAR_MS:
            words = f"{found[-1]['heard_text']} {turn['heard_text']}"
            found[-1] |= {"ended_ms": turn["ended_ms"], "heard_text": words}
        else:
            found.append(dict(turn))
    return found


def _lies_in(spurt: Spurt, turn: Mapping[str, Any]) -> bool:
    begin_ms = max(spurt.started_ms, int(turn["started_ms"]) - NEAR_MS)
    end_ms = min(spurt.ended_ms, int(turn["ended_ms"]) + NEAR_MS)
    return 2 * (end_ms - begin_ms) >= spurt.ms


def _edges(who: Who, turn: Mapping[str, Any], sound: Sequence[Spurt]) -> list[Difference]:
    words = turn["heard_text"]
    what = f"{_at(turn['started_ms'])}: the {who}'s “{words[:30]}{'…' if len(words) > 30 else ''}”"
    if not sound:
        return [Difference(who, turn["started_ms"], f"{what} cannot be heard by itself")]
    found = []
    for edge, event_ms, sound_ms in (
        ("begins", turn["started_ms"], sound[0].started_ms),
        ("ends", turn["ended_ms"], sound[-1].ended_ms),
    ):
        apart_ms = event_ms - sound_ms
        if abs(apart_ms) > APART_MS:
            side = "after" if apart_ms > 0 else "before"
            found.append(Difference(who, turn["started_ms"], f"{what} {edge} {abs(apart_ms)} ms {side} its sound"))
    return found


def _at(ms: float) -> str:
    return f"{ms / 1000:.2f}"
