"""The agent that comes back on the caller's channel is not the caller; the caller over it is."""

import numpy as np
import pytest

from bench.turn_table.echo import echo_levels
from bench.turn_table.figures import turn_table
from bench.turn_table.rows import Who
from media.frame import RATE_HZ
from tests.bench.turn_table.made_sound import Samples, channel

AGENT = [(1_000, 5_000), (7_000, 12_000), (14_000, 19_000)]
CALLER = [(5_800, 6_500), (11_500, 12_900), (20_000, 21_000)]
LENGTH_MS = 23_000


def voices() -> tuple[Samples, Samples]:
    """Return caller and agent; their noises are not the same, and the agent's has four syllables a second."""
    at = np.arange(LENGTH_MS * RATE_HZ // 1_000) / RATE_HZ
    syllables = 0.55 + 0.45 * np.sin(2 * np.pi * 4 * at)
    return channel(CALLER, LENGTH_MS), channel(AGENT, LENGTH_MS, seed=8) * syllables


def coming_back(agent: Samples, late_ms: int, loss_db: float, room_ms: int) -> Samples:
    """Return the agent through a loudspeaker and a room that dies down by 60 dB in `room_ms`."""
    chance = np.random.default_rng(5)
    taps = room_ms * RATE_HZ // 1_000
    room = chance.standard_normal(taps) * 10 ** (-3 * np.arange(taps) / taps) * 0.15
    room[0] = 1.0
    heard = np.convolve(agent, room)[: len(agent)] * 10 ** (-loss_db / 20)
    late = late_ms * RATE_HZ // 1_000
    return np.concatenate([np.zeros(late), heard])[: len(agent)]


@pytest.mark.parametrize(("late_ms", "loss_db", "room_ms"), [(100, 20, 50), (240, 16, 150), (600, 14, 200)])
def test_an_echo_is_left_out_and_the_caller_over_it_is_not(late_ms: int, loss_db: float, room_ms: int) -> None:
    caller, agent = voices()
    caller = caller + coming_back(agent, late_ms, loss_db, room_ms)
    table = turn_table("loud", caller, agent, RATE_HZ)
    assert table.echo
    theirs = [row for row in table.rows if row.who is Who.CALLER]
    assert len(theirs) == len(CALLER), theirs
    for row, (began_ms, ended_ms) in zip(theirs, CALLER, strict=True):
        assert abs(row.started_ms - began_ms) <= 60
        assert abs(row.ended_ms - ended_ms) <= 60


def test_two_people_who_take_turns_are_no_echo() -> None:
    caller, agent = voices()
    assert echo_levels(caller, agent, RATE_HZ) is None
    assert echo_levels(np.zeros_like(agent), agent, RATE_HZ) is None
    assert echo_levels(agent, np.zeros_like(agent), RATE_HZ) is None


def test_a_short_recording_has_no_echo_that_is_known() -> None:
    assert echo_levels(np.zeros(80), np.zeros(80), RATE_HZ) is None
