"""smart-turn's picture of a sound, against another implementation of the same recipe."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns import log_mel

reference = pytest.importorskip(
    "pipecat.audio.turn.smart_turn._whisper_features",
    reason="pipecat-ai's own feature extraction cannot be imported: there is nothing to compare with",
)


def _filled(sound: log_mel.Floats) -> log_mel.Floats:
    """Return what the reference is given: eight seconds, silence first."""
    last = sound[-log_mel.SAMPLES :]
    return np.pad(last, (log_mel.SAMPLES - len(last), 0))


@given(
    seed=st.integers(0, 2**32 - 1),
    seconds=st.floats(0.02, 9.5),
    loudness=st.floats(0.0, 1.0),
    hz=st.floats(50, 7_900),
)
def test_any_sound_has_the_picture_of_the_reference(seed: int, seconds: float, loudness: float, hz: float) -> None:
    samples = int(seconds * log_mel.RATE_HZ)
    noise = np.random.default_rng(seed).normal(0, 0.1, samples)
    tone = np.sin(2 * np.pi * hz * np.arange(samples) / log_mel.RATE_HZ)
    sound = np.clip(loudness * (tone + noise), -1, 1).astype(np.float32)

    picture = log_mel.log_mel(sound)

    assert picture.shape == (80, 800)
    assert picture.dtype == np.float32
    np.testing.assert_allclose(picture, reference.compute_whisper_log_mel_features(_filled(sound)), atol=2e-4)


def test_no_sound_is_a_picture_too() -> None:
    assert np.isfinite(log_mel.log_mel(np.zeros(0, dtype=np.float32))).all()
