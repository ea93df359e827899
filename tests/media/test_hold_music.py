"""A loop that goes round without a seam, ours or a file's."""

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.codec import g711
from media.hold_music import BadMusic, Loop, composed, read_loop


@given(st.binary(min_size=1, max_size=300), st.lists(st.integers(0, 400), max_size=10))
def test_a_loop_goes_round_without_losing_a_sample(ulaw: bytes, sizes: list[int]) -> None:
    loop = Loop(ulaw)
    heard = b"".join(loop.next(size) for size in sizes)
    assert heard == (ulaw * (sum(sizes) // len(ulaw) + 1))[: sum(sizes)]


def test_an_empty_loop_is_refused() -> None:
    with pytest.raises(ValueError, match="empty"):
        Loop(b"")


def test_our_own_music_is_soft_audible_and_seamless() -> None:
    sound = g711.decode(composed()).astype(float)
    assert 8_000 * 8 <= len(sound) <= 8_000 * 30
    assert np.abs(sound).max() < 32_767 / 4
    seconds = sound[: len(sound) // 8_000 * 8_000].reshape(-1, 8_000)
    assert (np.sqrt((seconds**2).mean(axis=1)) > 100).all(), "never silent for a second"
    steps = np.abs(np.diff(np.concatenate([sound, sound[:1]])))
    assert steps[-1] <= np.quantile(steps, 0.999), "the step over the seam is like any other"


def write(path: Path, rate_hz: int = 16_000, channels: int = 2, width: int = 2, seconds: float = 2.0) -> Path:
    tone = (np.sin(np.arange(int(rate_hz * seconds)) * 0.2) * 8_000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, width, rate_hz, 0, "NONE", "not compressed"))
        file.writeframes(np.repeat(tone, channels).tobytes()[: len(tone) * channels * width])
    return path


def test_a_file_of_any_rate_becomes_a_loop(tmp_path: Path) -> None:
    ulaw = read_loop(write(tmp_path / "music.wav"))
    assert 1.9 < len(ulaw) / 8_000 < 2.0, "its end is faded over into its beginning"
    assert np.abs(g711.decode(ulaw).astype(int)).max() > 4_000


@pytest.mark.parametrize(("name", "changes"), [("short", {"seconds": 0.05}), ("thin", {"width": 1})])
def test_a_file_that_will_not_do_is_refused_with_a_remedy(tmp_path: Path, name: str, changes: dict[str, float]) -> None:
    path = write(tmp_path / f"{name}.wav", **changes)  # type: ignore[arg-type]  # each is its parameter's type
    with pytest.raises(BadMusic, match="give a WAV file"):
        read_loop(path)


def test_no_file_and_no_wav_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("la la la")
    for name in ("text.wav", "missing.wav"):
        with pytest.raises(BadMusic, match=name):
            read_loop(tmp_path / name)
