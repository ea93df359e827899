"""The sounds of made dialogues: the embedded voice, pauses of exact length, coughs, a street. 8 kHz, int16, mono."""

import wave
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from agent.tts.espeak_library import Espeak, WordStart
from media.frame import RATE_HZ, SAMPLES_PER_MS

Sound = NDArray[np.int16]
_EDGE_SHARE: Final = 0.02  # of the peak (-34 dB): what is softer at the edges is no speech
_EDGE_MS: Final = 10
_ROOM_SHARE: Final = 0.1
_ROOM_MS: Final = 50
_RAW_HZ: Final = 16_000


class BadRecording(Exception):
    """A recording cannot be used."""


@dataclass(frozen=True, slots=True)
class Said:
    """Speech without silence at its edges."""

    sound: Sound
    words: tuple[tuple[str, int], ...]  # each with the ms at which it ends


@cache
def say(text: str, voice: str, rate_wpm: int) -> Said:
    pieces: list[bytes] = []
    starts: list[WordStart] = []

    def take(pcm: bytes, words: list[WordStart]) -> bool:
        pieces.append(pcm)
        starts.extend(words)
        return True

    engine = Espeak()  # a new one: whoever else made one in this process has taken the library over
    engine.speak(text, take, voice=voice, rate_wpm=rate_wpm)
    narrow = soxr.resample(np.frombuffer(b"".join(pieces), np.int16), engine.rate_hz, RATE_HZ)
    first, last = edges(narrow)
    texts = text.split()
    length_ms = (last - first) // SAMPLES_PER_MS
    begins = [max(0, one.start_ms - first // SAMPLES_PER_MS) for one in starts][: len(texts)]
    ends = [*begins[1:], length_ms] if len(begins) == len(texts) else _spread(len(texts), length_ms)
    return Said(narrow[first:last], tuple(zip(texts, (min(end, length_ms) for end in ends), strict=True)))


def edges(sound: Sound) -> tuple[int, int]:
    """Return where speech begins and ends in a sound, in samples."""
    step = _EDGE_MS * SAMPLES_PER_MS
    blocks = np.abs(sound[: len(sound) // step * step].astype(np.int32)).reshape(-1, step).max(axis=1)
    loud = np.flatnonzero(blocks > blocks.max() * _EDGE_SHARE)
    return int(loud[0]) * step, (int(loud[-1]) + 1) * step


def loud_part(sound: Sound) -> tuple[int, int]:
    """Return where speech begins and ends in a recording with a room around it, in samples.

    The last block within 20 dB of the loudest: after it the room still rings, and breath is heard.
    """
    step = _ROOM_MS * SAMPLES_PER_MS
    blocks = sound[: len(sound) // step * step].astype(np.float64).reshape(-1, step)
    rms = np.sqrt(np.mean(blocks**2, axis=1))
    loud = np.flatnonzero(rms > rms.max() * _ROOM_SHARE)
    return int(loud[0]) * step, (int(loud[-1]) + 1) * step


def read(path: Path) -> Sound:
    """Return a recording as it would come from a telephone.

    Args:
        path: a WAV file of 16-bit samples, or 16 kHz int16 samples without a header (.raw).

    Raises:
        BadRecording: it cannot be read; the message names the file and the remedy.
    """
    try:
        if path.suffix == ".raw":
            samples, rate_hz = np.fromfile(path, "<i2"), _RAW_HZ
        else:
            with wave.open(str(path)) as file:
                if file.getsampwidth() != 2:
                    raise BadRecording(f"{path}: has samples of {8 * file.getsampwidth()} bits; save it with 16")
                rate_hz = file.getframerate()
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")[:: file.getnchannels()]
    except (OSError, EOFError, wave.Error) as error:
        raise BadRecording(f"{path}: {error}; give a WAV file of 16-bit samples") from None
    if len(samples) < rate_hz // 5:
        raise BadRecording(f"{path}: holds less than 200 ms of sound")
    narrow: Sound = soxr.resample(samples, rate_hz, RATE_HZ)
    return narrow


def silence(ms: int) -> Sound:
    return np.zeros(ms * SAMPLES_PER_MS, np.int16)


def cough(ms: int, seed: int) -> Sound:
    """Return a burst of noise, sharp at its beginning."""
    chance = np.random.default_rng(seed)
    length = ms * SAMPLES_PER_MS
    burst = np.convolve(chance.normal(0, 1, length), np.ones(3) / 3, mode="same")
    shape = np.exp(-np.arange(length) / (length / 3)) * np.minimum(1, np.arange(length) / (8 * SAMPLES_PER_MS))
    made = burst * shape
    return np.asarray(made / np.abs(made).max() * 14_000, np.int16)


def street(ms: int, rms: float, seed: int) -> Sound:
    """Return engines and wind: noise that is stronger below, and swells and ebbs. `rms` in sample units."""
    chance = np.random.default_rng(seed)
    length = ms * SAMPLES_PER_MS
    spectrum = np.fft.rfft(chance.normal(0, 1, length))
    hz = np.fft.rfftfreq(length, 1 / RATE_HZ)
    noise = np.fft.irfft(spectrum / np.sqrt(np.maximum(hz, 60.0)), length)
    swell = 1 + 0.4 * np.sin(2 * np.pi * 0.35 * np.arange(length) / RATE_HZ + chance.uniform(0, 6))
    made = noise * swell
    return np.asarray(np.clip(made / np.sqrt(np.mean(made**2)) * rms, -32_000, 32_000), np.int16)


def loudness(sound: Sound) -> float:
    """Return the RMS of what is not silence in a sound, in sample units."""
    loud = sound[np.abs(sound) > np.abs(sound).max() * _EDGE_SHARE].astype(np.float64)
    return float(np.sqrt(np.mean(loud**2)))


def mix(*sounds: Sound) -> Sound:
    """Return sounds of one length heard together."""
    return np.asarray(np.clip(sum(one.astype(np.int32) for one in sounds), -32_768, 32_767), np.int16)


def _spread(count: int, length_ms: int) -> list[int]:
    return [length_ms * (place + 1) // count for place in range(count)]
