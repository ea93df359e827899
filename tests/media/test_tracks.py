"""Both voices where they belong, cut where they were cleared."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.recording.tracks import Tracks


def tone(count: int, value: int = 100) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    return np.full(count, value, dtype=np.int16)


def test_channels_are_interleaved_by_place() -> None:
    tracks = Tracks()
    tracks.place(0, 0, tone(4, 1))
    tracks.place(1, 2, tone(4, 2))
    assert tracks.take(6).tolist() == [[1, 0], [1, 0], [1, 2], [1, 2], [0, 2], [0, 2]]


def test_a_gap_is_silence() -> None:
    tracks = Tracks()
    tracks.place(0, 0, tone(2, 1))
    tracks.place(0, 5, tone(2, 1))
    assert tracks.take(7)[:, 0].tolist() == [1, 1, 0, 0, 0, 1, 1]


def test_a_clear_leaves_only_what_was_played() -> None:
    tracks = Tracks()
    tracks.place(1, 0, tone(100))
    tracks.cut(1, 60)
    assert int(np.count_nonzero(tracks.take(100)[:, 1])) == 60


def test_late_samples_are_lost_and_counted() -> None:
    tracks = Tracks()
    tracks.place(0, 0, tone(10))
    tracks.take(10)
    tracks.place(0, 5, tone(10, 7))
    assert tracks.late == 5
    assert tracks.take(15)[:, 0].tolist() == [7] * 5


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 30_000), st.integers(1, 2_000)), max_size=20))
def test_taking_in_pieces_gives_what_taking_at_once_gives(placed: list[tuple[int, int, int]]) -> None:
    one, other = Tracks(), Tracks()
    for channel, position, count in placed:
        one.place(channel, position, tone(count, channel + 1))
        other.place(channel, position, tone(count, channel + 1))
    whole = one.take(32_000)
    pieces = np.concatenate([other.take(until) for until in range(1_000, 32_001, 1_000)])
    assert np.array_equal(whole, pieces)
