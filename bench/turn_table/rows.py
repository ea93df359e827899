"""The turn table of a call: who talks when, over whom, and after how long a silence. Sans-I/O.

Terms as conversation analysis has them: a *gap* is a silence between two speakers, a *pause* one within a speaker's own
talk (Sacks, Schegloff and Jefferson, "A simplest systematics for the organization of turn-taking for conversation",
Language 50, 1974); an *overlap between* hands the floor over, an *overlap within* begins and ends inside the other's
talk (Heldner and Edlund, "Pauses, gaps and overlaps in conversations", Journal of Phonetics 38, 2010).
"""

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final

import msgspec

from bench.turn_table.spurts import Spurt

PAUSE_MS: Final = 1_000  # a longer silence of one who goes on is a row of its own: people begin to wonder
BACKCHANNEL_MS: Final = 1_000  # shorter talk over the other's may be no more than "uh-huh"


class Who(StrEnum):
    CALLER = "caller"
    AGENT = "agent"

    @property
    def other(self) -> "Who":
        return Who.AGENT if self is Who.CALLER else Who.CALLER


class Kind(StrEnum):
    TURN = "turn"  # after the other one, in silence
    GOES_ON = "goes on"  # after a pause of their own
    BACKCHANNEL = "backchannel?"  # the caller's, short, begun inside the agent's: a candidate, no words are known
    BARGE_IN = "barge-in"  # the caller begins inside the agent's talk and outlasts it
    FALSE_START = "false start"  # the agent's, and it gives way: short, begun inside the caller's talk
    WITHIN = "overlap within"  # begins and ends inside the other's talk, and is not short
    BETWEEN = "overlap between"  # the agent begins inside the caller's talk and outlasts it


class Row(msgspec.Struct, frozen=True):
    """One speaker's talk with pauses up to PAUSE_MS in it, while the other one has not spoken in these."""

    who: Who
    started_ms: int
    ended_ms: int
    kind: Kind
    before_ms: (
        int | None
    )  # the gap or, for `goes on`, the pause before it; negative: so long an overlap. None: the first
    overlap_ms: int  # both are heard
    voiced_ms: int  # without the pauses


class Overlap(msgspec.Struct, frozen=True):
    """A stretch in which both are heard."""

    started_ms: int
    ended_ms: int
    begun_by: Who

    @property
    def ms(self) -> int:
        return self.ended_ms - self.started_ms


def rows_of(caller: Sequence[Spurt], agent: Sequence[Spurt]) -> list[Row]:
    """Return the rows in the order in which they begin; each channel's spurts come in their order."""
    talks = [(Who.CALLER, talk) for talk in _talks(caller, agent)] + [
        (Who.AGENT, talk) for talk in _talks(agent, caller)
    ]
    talks.sort(key=lambda one: one[1][0].started_ms)
    found: list[Row] = []
    for who, talk in talks:
        others = agent if who is Who.CALLER else caller
        found.append(_row(who, talk, others, found))
    return found


def overlaps_of(caller: Sequence[Spurt], agent: Sequence[Spurt]) -> list[Overlap]:
    """Return every stretch in which both are heard, in order."""
    found = []
    for one in caller:
        for other in agent:
            started_ms, ended_ms = max(one.started_ms, other.started_ms), min(one.ended_ms, other.ended_ms)
            if started_ms < ended_ms:
                by = Who.AGENT if other.started_ms > one.started_ms else Who.CALLER
                found.append(Overlap(started_ms, ended_ms, by))
    return sorted(found, key=lambda overlap: overlap.started_ms)


def silences_of(caller: Sequence[Spurt], agent: Sequence[Spurt]) -> list[tuple[int, int]]:
    """Return where neither is heard, between the first sound and the last: (began, ended) in ms."""
    spans = sorted((spurt.started_ms, spurt.ended_ms) for spurt in (*caller, *agent))
    found, until = [], spans[0][1] if spans else 0
    for started_ms, ended_ms in spans:
        if started_ms > until:
            found.append((until, started_ms))
        until = max(until, ended_ms)
    return found


def _talks(spurts: Sequence[Spurt], others: Sequence[Spurt]) -> list[list[Spurt]]:
    """Return a speaker's spurts in groups, one for each row."""
    talks: list[list[Spurt]] = [[spurt] for spurt in spurts[:1]]
    for last, spurt in pairwise(spurts):
        meanwhile = any(one.started_ms < spurt.started_ms and one.ended_ms > last.ended_ms for one in others)
        if meanwhile or spurt.started_ms - last.ended_ms > PAUSE_MS:
            talks.append([spurt])
        else:
            talks[-1].append(spurt)
    return talks


def _row(who: Who, talk: Sequence[Spurt], others: Sequence[Spurt], before: Sequence[Row]) -> Row:
    started_ms, ended_ms = talk[0].started_ms, talk[-1].ended_ms
    # The other's row, not its spurt: who speaks into a short pause of the other's speaks inside their talk.
    inside = next((row for row in reversed(before) if row.who is not who and row.ended_ms > started_ms), None)
    overlap_ms = sum(
        max(0, min(one.ended_ms, other.ended_ms) - max(one.started_ms, other.started_ms))
        for one in talk
        for other in others
    )
    voiced_ms = sum(spurt.ms for spurt in talk)
    if inside is not None:
        kind = _overlapping(who, ended_ms - started_ms, ended_ms <= inside.ended_ms)
        return Row(who, started_ms, ended_ms, kind, started_ms - min(inside.ended_ms, ended_ms), overlap_ms, voiced_ms)
    last = max(before, key=lambda row: row.ended_ms, default=None)
    kind = Kind.GOES_ON if last is not None and last.who is who else Kind.TURN
    before_ms = None if last is None else started_ms - last.ended_ms
    return Row(who, started_ms, ended_ms, kind, before_ms, overlap_ms, voiced_ms)


def _overlapping(who: Who, lasts_ms: int, within: bool) -> Kind:
    if lasts_ms < BACKCHANNEL_MS:
        return Kind.BACKCHANNEL if who is Who.CALLER else Kind.FALSE_START
    if within:
        return Kind.WITHIN
    return Kind.BARGE_IN if who is Who.CALLER else Kind.BETWEEN
