"""Keys as tones, read back as a receiver does."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codec import g711
from media.dtmf import GAP_MS, HIGH_HZ, KEYS, LOW_HZ, PAUSE_MS, TONE_MS, tones
from media.frame import RATE_HZ, SAMPLES_PER_MS

FRAME = 20 * SAMPLES_PER_MS
WHOLE_SHARE = 0.6  # of the loudest frame: with less a frame holds the edge of a tone, which may look like any other


def heard(ulaw: bytes) -> str:
    """Return the keys in it: in each 20 ms the strongest low and high tone, a new key after each silence."""
    pcm = g711.decode(ulaw).astype(float)
    frames = [pcm[start : start + FRAME] for start in range(0, len(pcm) - FRAME + 1, FRAME)]
    loudness = [float(np.sqrt(np.mean(frame**2))) for frame in frames]
    found, silent = "", True
    at = np.arange(FRAME) / RATE_HZ
    for frame, loud in zip(frames, loudness, strict=True):
        if loud < WHOLE_SHARE * max(loudness):
            silent = True
            continue
        power = {hz: abs(np.sum(frame * np.exp(-2j * np.pi * hz * at))) for hz in (*LOW_HZ, *HIGH_HZ)}
        low, high = max(LOW_HZ, key=power.__getitem__), max(HIGH_HZ, key=power.__getitem__)
        key = KEYS[LOW_HZ.index(low) * 4 + HIGH_HZ.index(high)]
        if silent:
            found += key
        assert found[-1] == key, "one key at a time"
        silent = False
    return found


@given(st.text(st.sampled_from(KEYS), max_size=12))
def test_a_receiver_reads_what_was_pressed(keys: str) -> None:
    assert heard(tones(keys)) == keys


def test_a_pause_is_silence() -> None:
    pressed = tones("1w2")
    assert heard(pressed) == "12"
    assert len(pressed) == (2 * (TONE_MS + GAP_MS) + PAUSE_MS) * SAMPLES_PER_MS


def test_tones_are_far_from_clipping_and_the_high_one_is_louder() -> None:
    for key in KEYS:
        assert np.abs(g711.decode(tones(key)).astype(int)).max() < 12_000


@pytest.mark.parametrize("keys", ["x", "12 3", "é", "+"])
def test_what_no_telephone_has_is_refused(keys: str) -> None:
    with pytest.raises(ValueError, match="no telephone"):
        tones(keys)
