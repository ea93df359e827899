"""Bursts are found where they begin, whatever lies around them, and belong to the moment they were spoken at."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.people.bursts import BURST_FRAMES, EVERY_FRAMES, BurstEar, BurstMouth, delays_ms
from media.codec import g711
from media.codec.g711 import Samples
from media.frame import FRAME_SAMPLES
from telephony.softphone.opus import Decoder, Encoder

STEP_S = 0.02


def spoken(frames: int) -> tuple[BurstMouth, list[Samples]]:
    """Return a mouth and what it said, the n-th frame whole after n+1 steps."""
    mouth = BurstMouth()
    return mouth, [mouth.frame((number + 1) * STEP_S) for number in range(frames)]


@given(st.integers(0, 200), st.integers(0, 300))
def test_what_comes_later_is_heard_as_much_later(delay_ms: int, noise: int) -> None:
    mouth, frames = spoken(3 * EVERY_FRAMES)
    ear = BurstEar()
    random = np.random.default_rng(noise)
    # One stream that stands so much later, heard in frames of its own.
    sound = np.concatenate([np.zeros(delay_ms * 8, dtype=np.int16), *frames])
    sound += random.integers(-noise, noise + 1, len(sound), dtype=np.int16)
    for at in range(0, len(sound) - FRAME_SAMPLES, FRAME_SAMPLES):
        ear.hear(sound[at : at + FRAME_SAMPLES], at / 8_000)
    found = delays_ms(mouth.spoken, ear.heard)
    assert found == [pytest.approx(delay_ms, abs=1.01)] * 3


def test_the_line_s_code_does_not_move_a_burst() -> None:
    mouth, frames = spoken(EVERY_FRAMES)
    ear = BurstEar()
    for number, frame in enumerate(frames):
        ear.hear(g711.decode(g711.encode(frame)), number * STEP_S)
    assert delays_ms(mouth.spoken, ear.heard) == [pytest.approx(0, abs=1.01)]


def test_opus_moves_it_by_its_own_look_ahead() -> None:
    mouth, frames = spoken(4 * EVERY_FRAMES)
    ear, encoder, decoder = BurstEar(), Encoder(), Decoder()
    for number, frame in enumerate(frames):
        ear.hear(decoder.decode(encoder.encode(frame)), number * STEP_S)
    # RFC 6716 §4.2.9 and libopus: 6.5 ms for voice, and 2 for what brings it to the telephone's rate.
    assert delays_ms(mouth.spoken, ear.heard) == [pytest.approx(8.5, abs=2.5)] * 4


def test_a_hole_in_a_burst_is_not_its_end() -> None:
    ear = BurstEar()
    _, frames = spoken(EVERY_FRAMES)
    tone = frames[-1]
    for number in range(BURST_FRAMES):
        if number != 2:
            ear.hear(tone, 1 + number * STEP_S)
        else:
            ear.hear(np.zeros_like(tone), 1 + number * STEP_S)
    assert len(ear.heard) == 1


def test_a_burst_that_is_not_heard_is_told() -> None:
    assert delays_ms([1.0, 2.0, 3.0], [0.5, 1.125, 3.25, 3.5]) == [125.0, None, 250.0]
    assert delays_ms([], [1.0]) == []
