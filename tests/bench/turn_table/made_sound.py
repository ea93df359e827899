"""Channels whose truth is known: bursts of voice-like sound over a room of noise."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from media.frame import RATE_HZ

Samples = NDArray[np.float64]


def channel(
    bursts: Sequence[tuple[int, int]], duration_ms: int, room_dbfs: float | None = None, seed: int = 7
) -> Samples:
    """Return a channel that is loud in the bursts (began, ended; ms), and holds the room's noise throughout."""
    chance = np.random.default_rng(seed)
    sound = np.zeros(duration_ms * RATE_HZ // 1000)
    for began_ms, ended_ms in bursts:
        begin, end = began_ms * RATE_HZ // 1000, ended_ms * RATE_HZ // 1000
        sound[begin:end] = chance.standard_normal(end - begin) * 3_000  # -21 dBFS
    if room_dbfs is not None:
        sound += chance.standard_normal(len(sound)) * 32_768 * 10 ** (room_dbfs / 20)
    return np.clip(np.round(sound), -32_768, 32_767)
