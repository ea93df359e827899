"""Where a recording's stretches lie against the carrier's own."""

import io
import wave

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.truth import misaligned_ms

NOISE = np.random.default_rng(3).normal(0, 3_000, 8_000 * 12).clip(-20_000, 20_000)
NOISE[:34_000] = NOISE[60_000:] = 0  # a stretch well within the second window
SILENCE = np.zeros(8_000 * 12)


def wav(*channels: NDArray[np.float64]) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((len(channels), 2, 8_000, 0, "NONE", "not compressed"))
        written.writeframes(np.stack(channels, axis=1).astype("<i2").tobytes())
    return file.getvalue()


@pytest.mark.parametrize("off_ms", [0, 7, 120])
def test_a_stretch_that_is_off_is_found(off_ms: int) -> None:
    moved = np.concatenate([np.zeros(off_ms * 8), NOISE])[: len(NOISE)]
    assert misaligned_ms(wav(NOISE, moved), wav(NOISE), wav(NOISE)) == [0, off_ms]


def test_a_tone_beside_a_louder_stretch_is_not_taken_for_misplaced() -> None:
    """A voicemail's beep is like itself in every period, and what follows it may be louder."""
    tone = SILENCE.copy()
    tone[30_000:38_000] = np.sin(np.arange(8_000) * 2 * np.pi * 1_000 / 8_000) * 6_000
    tone[31_900:32_600] *= 3
    assert misaligned_ms(wav(tone, SILENCE), wav(SILENCE), wav(tone)) == [0, 0]


def test_silence_tells_nothing() -> None:
    assert misaligned_ms(wav(SILENCE, SILENCE), wav(NOISE), wav(NOISE)) == [0, 0]
