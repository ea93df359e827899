"""Keys heard on a line: our own tones, a line's worth of trouble, and what presses nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.codec import g711
from media.dtmf import tones
from telephony.carrier import ulaw
from telephony.carrier.clip import beep, cough
from telephony.carrier.dtmf import KEYS, KeyEar, key_in
from telephony.carrier.ulaw import FRAME_MS, FRAME_SAMPLES, RATE_HZ, Pcm


def heard(pcm: Pcm) -> str:
    """Return the keys in a stretch of sound, its silent frames left out as a line leaves them out."""
    ear = KeyEar()
    for number in range(len(pcm) // FRAME_SAMPLES):
        frame = pcm[number * FRAME_SAMPLES : (number + 1) * FRAME_SAMPLES]
        if frame.any():
            ear.hear(frame, number * FRAME_MS)
    return ear.pressed


@pytest.mark.parametrize("key", KEYS)
def test_every_key_is_told_from_every_other(key: str) -> None:
    assert heard(ulaw.decode(tones(key))) == key


@settings(max_examples=60)
@given(st.text(KEYS, min_size=1, max_size=12), st.integers(0, FRAME_SAMPLES - 1), st.integers(-70, -45))
def test_keys_are_heard_wherever_frames_begin_and_through_a_lines_noise(keys: str, offset: int, dbfs: int) -> None:
    pcm = g711.decode(b"\xff" * offset + tones(keys) + b"\xff" * FRAME_SAMPLES).astype(np.int32)
    noise = np.random.default_rng(offset).standard_normal(len(pcm)) * 32_768 * 10 ** (dbfs / 20)
    assert heard((pcm + noise).astype(np.int16)) == keys


def test_the_same_key_twice_is_two_presses_and_a_long_one_is_one() -> None:
    assert heard(ulaw.decode(tones("11"))) == "11"
    assert heard(ulaw.decode(tones("1w1"))) == "11"
    one = ulaw.decode(tones("1"))[: 100 * 8]
    assert heard(np.tile(one[160:320], 20)) == "1"


def tone(hertz: float, peak: float = 5_000) -> Pcm:
    return (np.sin(2 * np.pi * hertz * np.arange(RATE_HZ) / RATE_HZ) * peak).astype(np.int16)


@pytest.mark.parametrize(
    "sound",
    [
        beep(600).pcm,
        cough(400, 3).pcm,
        tone(697),
        tone(1209),
        tone(440) + tone(480),
        tone(697, 8_000) + tone(1209, 1_500),
        tone(697, 40) + tone(1209, 40),
        tone(697) + tone(770) + tone(1209),
    ],
    ids=["beep", "cough", "a row alone", "a column alone", "ring-back", "twisted", "faint", "two rows"],
)
def test_other_sounds_press_nothing(sound: Pcm) -> None:
    assert heard(sound) == ""


def test_one_frame_is_no_press() -> None:
    assert heard(ulaw.decode(tones("5"))[:FRAME_SAMPLES]) == ""
    assert key_in(np.zeros(FRAME_SAMPLES, np.int16)) == ""
