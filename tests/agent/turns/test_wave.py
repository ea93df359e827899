"""The same wave, filtered and late, against another one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.turns.wave import Wave, likeness
from tests.agent.turns.sounds import spoken

SIZE = 1_600


def voice(text: str, name: str) -> Wave:
    return np.frombuffer(spoken(text, name), "<i2").astype(np.float64)


OURS = voice("We help small shops pay less for their electricity.", "en-us")
THEIRS = voice("No thank you, I am not interested in that at all.", "en-us+klatt6")


@pytest.mark.parametrize("delay", [0, 7, 800, 4_000])
@pytest.mark.parametrize("gain", [1.0, 0.05, -0.3])
def test_the_same_wave_is_found_at_its_delay(delay: int, gain: float) -> None:
    end = 12_000
    alike, found = likeness(OURS[end - delay - SIZE : end - delay] * gain, OURS[end - SIZE - 4_000 : end])
    assert found == delay
    assert alike > 0.99


def test_another_voice_is_not_alike() -> None:
    found = [
        likeness(THEIRS[start : start + SIZE], OURS[begins : begins + SIZE + 4_000])[0]
        for start in range(0, len(THEIRS) - SIZE, 2_000)
        for begins in range(0, len(OURS) - SIZE - 4_000, 4_000)
    ]
    assert np.percentile(found, 90) < 0.36


@pytest.mark.parametrize("played", [np.zeros(SIZE + 4_000), np.full(SIZE + 4_000, 3_000.0)])
def test_silence_is_like_nothing(played: Wave) -> None:
    assert likeness(OURS[8_000 : 8_000 + SIZE], played)[0] < 0.01
    assert likeness(np.zeros(SIZE), played)[0] < 0.01


@settings(deadline=None)
@given(st.integers(2, 400), st.integers(0, 600), st.integers(0, 2**32))
def test_likeness_is_a_share_and_the_delay_one_of_those_tried(size: int, delays: int, seed: int) -> None:
    chance = np.random.default_rng(seed)
    heard, played = chance.normal(0, 1_000, size), chance.normal(0, 1_000, size + delays)
    alike, delay = likeness(heard, played)
    assert 0 <= alike <= 1.000001
    assert 0 <= delay <= delays
