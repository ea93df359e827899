"""Voices of any loudness come out alike, without pumping and without cut peaks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codec import g711
from media.level import GAIN_MAX_STEPS, TARGET_DBFS, VoiceLevels

WORD = 3_200  # samples: 400 ms
GAP = g711.ULAW_SILENCE * 640


def word(dbfs: float) -> bytes:
    peak = 32_768 * 10 ** (dbfs / 20) * 2**0.5
    return g711.encode((np.sin(np.arange(WORD) * 0.3) * min(peak, 32_000)).astype(np.int16))


def dbfs(ulaw: bytes) -> float:
    linear = g711.decode(ulaw).astype(float) / 32_768
    return float(10 * np.log10((linear**2).mean()))


@settings(max_examples=20, deadline=None)
@given(st.floats(-31, -9))
def test_every_voice_ends_up_at_the_same_level(level: float) -> None:
    leveller = VoiceLevels().leveller("a")
    spoken = [leveller.push(word(level) + GAP)[:WORD] for _ in range(40)]
    assert dbfs(spoken[-1]) == pytest.approx(TARGET_DBFS, abs=1.6)


def test_a_gain_never_changes_within_a_word_and_by_little_between() -> None:
    leveller = VoiceLevels().leveller("a")
    spoken = b"".join(leveller.push((word(-30) + GAP)[at : at + 480]) for _ in range(12) for at in range(0, 3_840, 480))
    words = [spoken[at : at + WORD] for at in range(0, len(spoken), 3_840)]
    levels = [[dbfs(one[at : at + 800]) for at in range(0, WORD, 800)] for one in words]
    assert all(max(of_word) - min(of_word) < 0.6 for of_word in levels)
    means = [sum(of_word) / len(of_word) for of_word in levels]
    assert max(np.diff(means)) < 1.4


def test_what_a_voice_needed_is_remembered_for_its_next_call() -> None:
    levels = VoiceLevels()
    first = levels.leveller("quiet")
    for _ in range(40):
        first.push(word(-28) + GAP)
    assert levels.leveller("quiet").gain_db == first.gain_db > 5
    assert levels.leveller("other").gain_db == 0


def test_silence_is_no_voice_and_a_broken_one_is_not_pulled_beyond_the_limit() -> None:
    leveller = VoiceLevels().leveller("a")
    for _ in range(100):
        assert leveller.push(GAP) == GAP
    assert leveller.gain_db == 0
    for _ in range(100):
        leveller.push(word(-43) + GAP)
    assert GAIN_MAX_STEPS / 2 - 1 <= leveller.gain_db <= GAIN_MAX_STEPS / 2


def test_a_voice_with_high_peaks_is_not_made_so_loud_that_they_are_cut() -> None:
    click = g711.encode(np.array([30_000], dtype=np.int16))
    leveller = VoiceLevels().leveller("a")
    for _ in range(40):
        leveller.push(click + word(-30)[1:] + GAP)
    assert leveller.gain_db <= 1.0


@given(st.lists(st.integers(0, 700), max_size=20))
def test_no_sample_is_lost_however_the_voice_is_cut(sizes: list[int]) -> None:
    leveller = VoiceLevels().leveller("a")
    assert sum(len(leveller.push(word(-30)[:size])) for size in sizes) == sum(sizes)
