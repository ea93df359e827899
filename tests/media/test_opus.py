"""The Ogg Opus form: every voice in its channel, where it was, and the same bytes each time."""

import io

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from media.codec import g711
from media.recording.blocks import Block, Extent
from media.recording.opus import opus_file

RATE_HZ = 48_000  # Opus decodes to this, whatever went in


def sine(hz: int) -> bytes:
    return g711.encode((8_000 * np.sin(2 * np.pi * hz * np.arange(8_000) / 8_000)).astype(np.int16))


def decoded(raw: bytes) -> NDArray[np.float32]:
    with av.open(io.BytesIO(raw), "r") as container:
        frames = [frame.to_ndarray() for frame in container.decode(container.streams.audio[0])]
    return np.concatenate(frames, axis=1)


def pitch(samples: NDArray[np.float32]) -> float:
    middle = samples[RATE_HZ // 10 : -RATE_HZ // 10]
    return float(np.argmax(np.abs(np.fft.rfft(middle)))) * RATE_HZ / len(middle)


@pytest.mark.parametrize("person", [b"", sine(700)], ids=["two channels", "three channels"])
def test_each_voice_is_heard_where_it_was(person: bytes) -> None:
    blocks = [
        Block(0, 8_000, (sine(440), b"", b"")),
        Block(8_000, 8_000, (b"", sine(1_000), person)),
    ]
    channels = 3 if person else 2
    audio = decoded(opus_file(blocks, Extent(0, 16_000, channels)))
    assert audio.shape[0] == channels
    assert abs(audio.shape[1] - 2 * RATE_HZ) < RATE_HZ // 10
    first, second = audio[:, :RATE_HZ], audio[:, RATE_HZ:]
    assert pitch(first[0]) == pytest.approx(440, abs=5)
    assert pitch(second[1]) == pytest.approx(1_000, abs=5)
    quiet = RATE_HZ // 10
    assert first[1][:-quiet].std() < 0.01
    assert second[0][quiet:].std() < 0.01
    if person:
        assert pitch(second[2]) == pytest.approx(700, abs=5)
        assert first[2][:-quiet].std() < 0.01


def test_the_same_blocks_give_the_same_bytes() -> None:
    blocks = [Block(0, 8_000, (sine(440), sine(700), b""))]
    assert opus_file(blocks, Extent(0, 8_000, 2)) == opus_file(blocks, Extent(0, 8_000, 2))
