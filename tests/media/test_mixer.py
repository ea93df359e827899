"""Sums without oneself, without wrap, and without waiting for whoever is missing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from media.codec.g711 import Samples
from media.mixer import GAIN_DB_MAX, Mixer

LEGS = ("prospect", "agent", "rep", "supervisor")
frame = arrays.arrays(np.int16, 160, elements=st.integers(-32_768, 32_767))
frames_of = st.dictionaries(st.sampled_from(LEGS), frame, max_size=4)


def everybody() -> Mixer:
    mixer = Mixer()
    for listener in LEGS:
        for source in LEGS:
            if listener != source:
                mixer.connect(listener, source)
    return mixer


@given(frames_of, st.sampled_from(LEGS))
def test_each_hears_the_sum_of_the_others_saturated(frames: dict[str, Samples], listener: str) -> None:
    heard = everybody().mix(listener, frames)
    others = [sound.astype(int) for leg, sound in frames.items() if leg != listener]
    if not others:
        assert heard is None
        return
    assert heard is not None
    assert heard.tolist() == np.clip(sum(others), -32_768, 32_767).tolist()


@given(frame, st.floats(-40, GAIN_DB_MAX))
def test_a_gain_is_linear_within_a_step_and_never_wraps(sound: Samples, gain_db: float) -> None:
    mixer = Mixer()
    mixer.connect("rep", "prospect", gain_db)
    heard = mixer.mix("rep", {"prospect": sound})
    if heard is None:
        heard = np.zeros(160, dtype=np.int16)
    factor = round(4096 * 10 ** (gain_db / 20)) / 4096
    wanted = np.clip(sound * factor, -32_768, 32_767)
    assert np.abs(heard - wanted).max() <= 1


@given(frames_of, st.sampled_from(LEGS), st.sampled_from(LEGS))
def test_a_leg_that_vanishes_is_silence_to_the_others(frames: dict[str, Samples], gone: str, listener: str) -> None:
    mixer = everybody()
    without = {leg: sound for leg, sound in frames.items() if leg != gone}
    expected = None if listener == gone else mixer.mix(listener, without)
    mixer.remove(gone)
    heard = mixer.mix(listener, frames)
    assert (heard is None) == (expected is None)
    if heard is not None and expected is not None:
        assert heard.tolist() == expected.tolist()


@given(st.lists(st.integers(0, 160), min_size=2, max_size=2))
def test_a_short_frame_ends_in_silence(lengths: list[int]) -> None:
    sounds = [np.full(length, 1_000, dtype=np.int16) for length in lengths]
    heard = everybody().mix("prospect", {"agent": sounds[0], "rep": sounds[1]})
    if heard is None:
        assert not any(lengths)
        return
    assert len(heard) == max(lengths)
    both = min(lengths) if all(lengths) else 0
    assert heard.tolist() == [2_000] * both + [1_000] * (max(lengths) - both)


def test_a_lone_voice_passes_through_untouched() -> None:
    sound = np.arange(160, dtype=np.int16)
    assert everybody().mix("prospect", {"agent": sound}) is sound


def test_nobody_hears_who_is_not_connected() -> None:
    mixer = everybody()
    mixer.disconnect("prospect", "supervisor")
    assert mixer.mix("prospect", {"supervisor": np.ones(160, dtype=np.int16)}) is None
    assert mixer.sources("prospect") == {"agent", "rep"}


def test_nonsense_is_refused() -> None:
    with pytest.raises(ValueError, match="itself"):
        Mixer().connect("rep", "rep")
    with pytest.raises(ValueError, match="gain_db"):
        Mixer().connect("rep", "agent", GAIN_DB_MAX + 1)
