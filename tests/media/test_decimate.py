"""Narrowed for the telephone: its band stays, what lies above is gone and does not fold back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codec.decimate import Decimator
from media.codec.g711 import Samples


def tone(pitch_hz: float) -> Samples:
    return (10_000 * np.sin(2 * np.pi * pitch_hz * np.arange(48_000) / 48_000)).astype(np.int16)


def gain_db(pitch_hz: float) -> float:
    heard = Decimator().push(tone(pitch_hz))[200:].astype(float)
    return float(20 * np.log10(max(1e-9, np.sqrt(np.mean(heard**2)) / (10_000 / np.sqrt(2)))))


@pytest.mark.parametrize("pitch_hz", [100, 300, 1_000, 2_000, 3_000, 3_400])
def test_the_telephones_band_stays_as_it_is(pitch_hz: float) -> None:
    assert gain_db(pitch_hz) == pytest.approx(0, abs=0.2)


@pytest.mark.parametrize("pitch_hz", [4_700, 6_000, 7_700, 9_000, 15_000, 23_000])
def test_what_lies_above_is_gone(pitch_hz: float) -> None:
    assert gain_db(pitch_hz) < -50


@given(st.lists(st.integers(0, 3_000), max_size=8))
def test_pieces_make_the_same_sound_as_the_whole(lengths: list[int]) -> None:
    sound = tone(700)[: sum(lengths)]
    narrow, at, pieces = Decimator(), 0, [np.zeros(0, dtype=np.int16)]
    for length in lengths:
        pieces.append(narrow.push(sound[at : at + length]))
        at += length
    whole = Decimator().push(sound)
    # The sums of floats depend on how many are made at once, in their last place.
    assert np.allclose(np.concatenate(pieces), whole, atol=1)
    assert len(whole) == len(sound) // 6
