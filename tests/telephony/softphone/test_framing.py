"""Frames of 20 ms with their place in time, whatever the packets hold."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codec.g711 import Samples
from telephony.softphone.framing import Framer

SOUND: Samples = np.arange(160 * 50, dtype=np.int16)


@given(st.lists(st.sampled_from([10, 20, 40, 60]), min_size=1, max_size=12), st.integers(0, 0xFFFFFFFF))
def test_packets_of_any_length_make_the_same_frames(lengths_ms: list[int], first: int) -> None:
    framer, at = Framer(100), 0
    frames: list[tuple[int, Samples]] = []
    for length_ms in lengths_ms:
        frames += framer.take((first + at * 6) % (1 << 32), SOUND[at : at + length_ms * 8])
        at += length_ms * 8
    assert [number for number, _ in frames] == [100 + place for place in range(at // 160)]
    assert all(np.array_equal(frame, SOUND[(number - 100) * 160 :][:160]) for number, frame in frames)
    assert framer.next == 100 + at // 160


def test_what_is_lost_leaves_its_numbers_out() -> None:
    framer = Framer()
    assert [number for number, _ in framer.take(0, SOUND[:160])] == [0]
    assert [number for number, _ in framer.take(3 * 960, SOUND[:160])] == [3]
    assert [number for number, _ in framer.take(2 * 960, SOUND[:160])] == [2], "late, and in its place"


@pytest.mark.parametrize("lost", [1, 3])
def test_half_a_frame_whose_other_half_is_lost_is_lost_too(lost: int) -> None:
    framer = Framer()
    assert not list(framer.take(0, SOUND[:80]))
    frames = list(framer.take(480 * (1 + lost), SOUND[:160]))
    assert len(frames) == 1
    assert np.array_equal(frames[0][1], SOUND[:160])
