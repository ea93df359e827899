"""Sounds that a person on the line makes: prepared speech, a file, a cough, a beep. 8 kHz int16."""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import soxr
from numpy.typing import NDArray

from telephony.carrier.ulaw import RATE_HZ, Pcm

RAW_RATE_HZ: Final = 16_000  # a headerless .raw file is this, 16-bit mono little-endian
FILE_S_MAX: Final = 120
AUDIBLE: Final = 300  # samples above this are sound, not the tail of a filter
PAUSE_RMS: Final = 400.0  # of speech that peaks at SPEECH_PEAK: -32 dB, softer than its softest consonant
PAUSE_WINDOW: Final = 40  # samples: 5 ms
EDGE_SAMPLES: Final = 160  # silence kept on both sides of speech
SPEECH_PEAK: Final = 16_000.0  # -6 dBFS: loud and clear, as a phone held to the mouth
SPEECH_RMS: Final = 3_600.0  # what speech with that peak has, between its pauses
BEEP_HZ: Final = 1_000.0
BEEP_PEAK: Final = 12_000.0
RING_HZ: Final = (440.0, 480.0)  # North America's ring-back, both at once
RING_PEAK: Final = 2_000.0  # of each: -19 dBm0, as exchanges send it
COUGH_PEAK: Final = 9_000.0


class Kind(StrEnum):
    SAY = "say"
    PLAY = "play"
    COUGH = "cough"
    BEEP = "beep"
    RING = "ring"


class BadAudio(ValueError):
    """A file that cannot be played; says which and why."""


@dataclass(frozen=True, slots=True)
class Clip:
    kind: Kind
    text: str
    pcm: Pcm
    first: int  # index of the first audible sample
    last: int  # index after the last one


def clip_of(kind: Kind, text: str, pcm: Pcm) -> Clip:
    """Return the clip with its audible part marked."""
    loud = np.flatnonzero(np.abs(pcm.astype(np.int32)) >= AUDIBLE)
    if not loud.size:
        return Clip(kind, text, pcm, 0, len(pcm))
    return Clip(kind, text, pcm, int(loud[0]), int(loud[-1]) + 1)


def speech(text: str, pcm: Pcm, rate_hz: int, pause_max_ms: int) -> Clip:
    """Return synthesised speech at 8 kHz, evened out in level, with little silence around it.

    Pauses within it are cut to `pause_max_ms`: an engine stops at a comma for longer than people do.
    """
    narrow = _narrowed(pcm, rate_hz)
    peak = float(np.max(np.abs(narrow))) if narrow.size else 0.0
    if peak > 0:
        narrow *= SPEECH_PEAK / peak
    whole = clip_of(Kind.SAY, text, _with_short_pauses(narrow.astype(np.int16), pause_max_ms * RATE_HZ // 1000))
    return clip_of(Kind.SAY, text, whole.pcm[max(0, whole.first - EDGE_SAMPLES) : whole.last + EDGE_SAMPLES])


def halting(text: str, pieces: Sequence[Clip], pauses_ms: Sequence[int]) -> Clip:
    """Return pieces of speech as one, with so many ms between the last audible sample of one and the first of the next.

    `pauses_ms` is one shorter than `pieces`.
    """
    joined = [pieces[0].pcm[: pieces[0].last]]
    for piece, pause_ms in zip(pieces[1:], pauses_ms, strict=True):
        joined.append(np.zeros(pause_ms * RATE_HZ // 1000, np.int16))
        joined.append(piece.pcm[piece.first : piece.last])
    joined.append(pieces[-1].pcm[pieces[-1].last :])
    return clip_of(Kind.SAY, text, np.concatenate(joined))


def loudness(pcm: Pcm) -> float:
    """Return the RMS of the windows of speech in which somebody is heard, in units of int16 samples."""
    windows = pcm[: len(pcm) // PAUSE_WINDOW * PAUSE_WINDOW].astype(np.float64).reshape(-1, PAUSE_WINDOW)
    power = np.mean(windows**2, axis=1)
    loud = power[power >= PAUSE_RMS**2]
    return float(np.sqrt(np.mean(loud))) if loud.size else 0.0


def beep(length_ms: int) -> Clip:
    """Return a pure tone with 5 ms ramps."""
    samples = length_ms * RATE_HZ // 1000
    tone = np.sin(2 * np.pi * BEEP_HZ * np.arange(samples) / RATE_HZ) * BEEP_PEAK
    ramp = np.minimum(1.0, np.arange(samples) / 40)
    return clip_of(Kind.BEEP, "", (tone * ramp * ramp[::-1]).astype(np.int16))


def ring(length_ms: int) -> Clip:
    """Return one ring as the caller hears it."""
    times = np.arange(length_ms * RATE_HZ // 1000) / RATE_HZ
    both = np.sum([np.sin(2 * np.pi * hertz * times) for hertz in RING_HZ], axis=0)
    return clip_of(Kind.RING, "", (both * RING_PEAK).astype(np.int16))


def cough(length_ms: int, seed: int) -> Clip:
    """Return a burst of noise that starts hard and dies away, in two pushes."""
    samples = length_ms * RATE_HZ // 1000
    noise = np.random.default_rng(seed).standard_normal(samples)
    # A throat is no white noise: average neighbours to take the top off.
    dull = np.convolve(noise, np.ones(4) / 4, mode="same")
    place = np.arange(samples) / max(1, samples)
    envelope = np.exp(-6 * place) + 0.7 * np.where(place > 0.5, np.exp(-8 * (place - 0.5)), 0.0)
    shaped = dull * envelope
    peak = float(np.max(np.abs(shaped))) if samples else 1.0
    return clip_of(Kind.COUGH, "", (shaped * (COUGH_PEAK / max(peak, 1e-9))).astype(np.int16))


def load(path: Path) -> Clip:
    """Return a recording: 16-bit PCM WAV of any rate, or headerless `.raw` of 16 kHz mono. Blocking.

    Raises:
        BadAudio: it is missing, of another kind, empty or longer than two minutes.
    """
    try:
        if path.suffix == ".raw":
            pcm, rate_hz = np.frombuffer(path.read_bytes(), dtype="<i2"), RAW_RATE_HZ
        else:
            pcm, rate_hz = _wav(path)
    except OSError as error:
        raise BadAudio(f"{path}: {error.strerror or error}") from None
    except (wave.Error, EOFError, ValueError) as error:
        raise BadAudio(f"{path}: not 16-bit PCM WAV or .raw: {error}") from None
    if not 0 < len(pcm) <= FILE_S_MAX * rate_hz:
        raise BadAudio(f"{path}: empty, or longer than {FILE_S_MAX} s")
    narrow = np.clip(_narrowed(pcm, rate_hz), -32_768, 32_767)
    return clip_of(Kind.PLAY, path.name, narrow.astype(np.int16))


def _wav(path: Path) -> tuple[Pcm, int]:
    with wave.open(str(path), "rb") as file:
        if file.getsampwidth() != 2:
            raise BadAudio(f"{path}: {file.getsampwidth() * 8}-bit samples; convert it to 16-bit PCM")
        frames = np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
        channels = file.getnchannels()
        return frames[: len(frames) // channels * channels : channels].astype(np.int16), file.getframerate()


def _with_short_pauses(pcm: Pcm, samples_max: int) -> Pcm:
    """Take the middle out of each pause that is too long; its edges, where a sound dies away, stay."""
    windows = len(pcm) // PAUSE_WINDOW
    levels = np.sqrt(np.mean(np.square(pcm[: windows * PAUSE_WINDOW], dtype=np.float64).reshape(-1, PAUSE_WINDOW), 1))
    loud = np.flatnonzero(levels >= PAUSE_RMS)
    kept = np.ones(len(pcm), dtype=np.bool_)
    for before, after in pairwise(loud.tolist()):
        excess = (after - before - 1) * PAUSE_WINDOW - samples_max
        if excess > 0:
            middle = (before + 1) * PAUSE_WINDOW + samples_max // 2
            kept[middle : middle + excess] = False
    return pcm[kept]


def _narrowed(pcm: Pcm, rate_hz: int) -> NDArray[np.float32]:
    samples = pcm.astype(np.float32)
    if rate_hz == RATE_HZ:
        return samples
    narrow: NDArray[np.float32] = soxr.resample(samples, rate_hz, RATE_HZ)
    return narrow
