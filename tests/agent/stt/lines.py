"""What a caller says, as a telephone line brings it: embedded or flite voices, levelled, through µ-law."""

import shutil
import subprocess
import wave
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import soxr

from agent.tts.espeak_library import Espeak, WordStart

Samples = npt.NDArray[np.float64]
RATE_HZ: Final = 8_000
FLITE: Final = shutil.which("flite")
_MU: Final = 255.0


def spoken(
    text: str, voice: str, folder: Path, *, level_dbfs: float = -20.0, before_ms: int = 200, noise: float = 0.0
) -> bytes:
    """Return the text as int16, 8 kHz, with silence around it. `voice`: espeak's variant, or one of flite's."""
    raw = _flite(text, voice, folder) if voice in ("slt", "rms") else _espeak(text, voice)
    active = raw[np.abs(raw) > 200]
    levelled = raw * (32_768 * 10 ** (level_dbfs / 20) / np.sqrt(np.mean(active**2)))
    around = np.concatenate([np.zeros(before_ms * RATE_HZ // 1000), levelled, np.zeros(300 * RATE_HZ // 1000)])
    noisy = around + np.random.default_rng(7).normal(0, noise, len(around)) if noise else around
    return telephone(noisy)


def telephone(samples: Samples) -> bytes:
    """Return the samples through the µ-law curve and back, in its 8 bits."""
    clipped = np.clip(samples / 32_768, -1, 1)
    curved = np.round(np.log1p(_MU * np.abs(clipped)) / np.log1p(_MU) * 127) / 127
    return np.asarray(np.sign(clipped) * np.expm1(curved * np.log1p(_MU)) / _MU * 32_767).astype("<i2").tobytes()


@cache
def _engine() -> Espeak:
    return Espeak()


def _espeak(text: str, voice: str) -> Samples:
    pieces: list[bytes] = []

    def take(pcm: bytes, _words: list[WordStart]) -> bool:
        pieces.append(pcm)
        return True

    _engine().speak(text, take, voice=f"en-us+{voice}", rate_wpm=150)
    wide = np.frombuffer(b"".join(pieces), np.int16).astype(np.float64)
    return np.asarray(soxr.resample(wide, _engine().rate_hz, RATE_HZ))


def _flite(text: str, voice: str, folder: Path) -> Samples:
    assert FLITE is not None
    path = folder / "line.wav"
    subprocess.run([FLITE, "-voice", voice, "-t", text, "-o", str(path)], check=True)
    with wave.open(str(path)) as file:
        wide = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float64)
        rate_hz = file.getframerate()
    return np.asarray(soxr.resample(wide, rate_hz, RATE_HZ))
