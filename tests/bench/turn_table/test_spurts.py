"""Stretches of talk are found where they are, whatever the room behind them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.turn_table.spurts import BRIDGE_MS, SPURT_MS_MIN, spurts_of
from media.frame import RATE_HZ
from tests.bench.turn_table.made_sound import channel

EDGE_MS = 20  # a frame of 10 ms may hold the edge anywhere
SILENCES = st.integers(BRIDGE_MS + 2 * EDGE_MS, 3_000)
BURSTS = st.lists(st.tuples(SILENCES, st.integers(100, 2_500)), min_size=1, max_size=8)
ROOMS = st.none() | st.floats(-75, -40)


@settings(deadline=None, max_examples=60)
@given(BURSTS, ROOMS)
def test_every_burst_is_found_where_it_is(parts: list[tuple[int, int]], room_dbfs: float | None) -> None:
    truth, at_ms = [], 1_000
    for silence_ms, burst_ms in parts:
        truth.append((at_ms + silence_ms, at_ms + silence_ms + burst_ms))
        at_ms += silence_ms + burst_ms
    found = spurts_of(channel(truth, at_ms + 1_000, room_dbfs), RATE_HZ)
    assert len(found) == len(truth)
    for spurt, (began_ms, ended_ms) in zip(found, truth, strict=True):
        assert abs(spurt.started_ms - began_ms) <= EDGE_MS
        assert abs(spurt.ended_ms - ended_ms) <= EDGE_MS


@given(st.binary(max_size=4_000))
def test_any_sound_gives_spurts_in_order_and_apart(content: bytes) -> None:
    pcm = np.frombuffer(content[: len(content) // 2 * 2], np.int16).astype(np.float64)
    found = spurts_of(pcm, RATE_HZ)
    assert all(spurt.ms > 0 and spurt.ended_ms <= len(pcm) * 1000 // RATE_HZ for spurt in found)
    assert all(b.started_ms - a.ended_ms > BRIDGE_MS for a, b in pairwise(found))


@pytest.mark.parametrize(("silence_ms", "count"), [(BRIDGE_MS - 20, 1), (BRIDGE_MS + 30, 2)])
def test_a_short_silence_lies_within_a_spurt(silence_ms: int, count: int) -> None:
    sound = channel([(1_000, 1_500), (1_500 + silence_ms, 2_500)], 4_000)
    assert len(spurts_of(sound, RATE_HZ)) == count


def test_a_click_is_no_talk() -> None:
    assert spurts_of(channel([(1_000, 1_000 + SPURT_MS_MIN - 20)], 3_000), RATE_HZ) == []


def test_a_fading_end_belongs_to_its_spurt() -> None:
    """The end of a word lies under what would begin one: two thresholds, not one."""
    sound = channel([(1_000, 2_000)], 4_000)
    sound[16_000:19_200] = np.random.default_rng(1).standard_normal(3_200) * 100  # -50 dBFS for 400 ms
    (spurt,) = spurts_of(sound, RATE_HZ)
    assert abs(spurt.ended_ms - 2_400) <= EDGE_MS
    assert spurts_of(sound[16_000:], RATE_HZ) == []


def test_a_room_alone_is_no_talk() -> None:
    assert spurts_of(channel([], 10_000, -38), RATE_HZ) == []


def test_who_speaks_without_a_pause_is_heard_all_the_time() -> None:
    (spurt,) = spurts_of(channel([(0, 20_000)], 20_000), RATE_HZ)
    assert spurt.ms == 20_000


def test_nothing_is_in_nothing() -> None:
    assert spurts_of(np.zeros(0), RATE_HZ) == []
