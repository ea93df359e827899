"""A recording against the carrier's own copy: what is there, what lacks, and how far from its place it lies."""

import io
import wave

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.completeness import WINDOW_MS, Samples, find, read_wav
from media.frame import SAMPLES_PER_MS

SECONDS = 4
REACH_MS = 100


def speech(seed: int = 1) -> Samples:
    """Noise has no two half-seconds that are alike."""
    chance = np.random.default_rng(seed)
    return (chance.standard_normal(SECONDS * 8_000) * 2_000).astype(np.int16)


def wav_of(pcm: Samples, *, rate: int = 8_000, width: int = 2) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(pcm.shape[1] if pcm.ndim > 1 else 1)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(pcm.tobytes())
    return buffer.getvalue()


def test_a_whole_recording_lacks_nothing() -> None:
    found = find(speech(), speech(), REACH_MS)
    assert found.windows == SECONDS * 1000 // WINDOW_MS - 1, "the last one may reach beyond the end"
    assert (found.lacking_ms, found.lag_ms) == ((), 0.0)


@given(shift_ms=st.integers(0, REACH_MS))
@settings(max_examples=25, deadline=None)
def test_what_is_shifted_is_found_and_its_shift_told(shift_ms: int) -> None:
    silence = np.zeros(shift_ms * SAMPLES_PER_MS, np.int16)
    found = find(speech(), np.concatenate([silence, speech()]), REACH_MS)
    assert found.lacking_ms == ()
    assert found.lag_ms == shift_ms


def test_a_hole_and_foreign_speech_are_lacking_and_nothing_beside_them() -> None:
    ours = speech().copy()
    half = WINDOW_MS * SAMPLES_PER_MS
    ours[2 * half : 3 * half] = 0
    ours[4 * half : 5 * half] = speech(2)[:half]
    assert find(speech(), ours, REACH_MS).lacking_ms == (2 * WINDOW_MS, 4 * WINDOW_MS)


def test_a_pause_may_part_a_window_and_a_short_hole_is_lacking() -> None:
    half, carrier, ours = WINDOW_MS * SAMPLES_PER_MS, speech().copy(), speech().copy()
    middle = 2 * half + half // 2
    ours[middle + 160 :] = speech()[middle:-160]  # what follows stands 20 ms later
    ours[middle : middle + 160] = 0
    found = find(carrier, ours, REACH_MS)
    assert (found.lacking_ms, found.lag_ms) == ((), 20.0)
    ours = speech().copy()
    ours[2 * half : 2 * half + half // 2] = 0
    assert find(carrier, ours, REACH_MS).lacking_ms == (2 * WINDOW_MS,)


def test_silence_asks_for_nothing_and_what_was_never_played_is_no_fault() -> None:
    half = WINDOW_MS * SAMPLES_PER_MS
    carrier = speech().copy()
    carrier[half + half // 2 : 3 * half] = 0  # cleared in the middle of a window, silent for the next
    found = find(carrier, speech(), REACH_MS)
    assert found.windows == SECONDS * 1000 // WINDOW_MS - 2
    assert found.lacking_ms == ()


def test_only_our_kind_of_wav_is_read() -> None:
    stereo = np.stack([speech(), speech(2)], axis=1)
    assert np.array_equal(read_wav(wav_of(stereo)), stereo)
    with pytest.raises(wave.Error):
        read_wav(wav_of(speech(), rate=16_000))
    with pytest.raises(EOFError):
        read_wav(b"")
