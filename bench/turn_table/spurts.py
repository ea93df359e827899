"""Where one channel of a call is heard: its stretches of talk. Sans-I/O; by energy alone, no words and no events.

A frame of 10 ms begins a spurt when it is well above the channel's own noise floor, and the spurt goes on while its
frames stay a little above it. Silences up to 200 ms lie within a spurt: stops and breaths (Brady, "A statistical
analysis of on-off patterns in 16 conversations", Bell System Technical Journal 47, 1968, fills the same 200 ms).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

FRAME_MS: Final = 10
BRIDGE_MS: Final = 200
SPURT_MS_MIN: Final = 30  # of frames that would begin a spurt: a click is shorter. Brady throws away 15 ms
BEGIN_DB: Final = 9.0  # above the floor
KEEP_DB: Final = 5.0
# However quiet the line: -50 dBFS is what the carrier in a box calls audible (telephony/carrier/ear.py); mu-law's
# smallest steps lie below -60, so a line without a room behind it has no floor of its own.
BEGIN_DBFS_MIN: Final = -48.0
KEEP_DBFS_MIN: Final = -54.0
SILENT_DBFS: Final = -90.0
FLOOR_SHARE: Final = 0.1  # the floor is what so many of the frames around do not exceed: speech has more pauses
FLOOR_WINDOW_MS: Final = (
    6_000  # around a frame: longer than people speak without a pause, shorter than a street changes
)
FLOOR_STEP_MS: Final = 500
# A floor above this is not a room but somebody who speaks on and on; a street 10 dB below speech at -20 is below it.
FLOOR_DBFS_MAX: Final = -33.0

Samples = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Spurt:
    """A stretch of talk; times are ms since the recording's beginning."""

    started_ms: int
    ended_ms: int

    @property
    def ms(self) -> int:
        return self.ended_ms - self.started_ms


def levels(pcm: Samples, rate_hz: int) -> NDArray[np.float64]:
    """Return the level of each frame of 10 ms in dBFS.

    Args:
        pcm: (samples,) of int16's range.
    """
    size = rate_hz * FRAME_MS // 1000
    frames = pcm[: len(pcm) // size * size].reshape(-1, size)
    power = np.mean(frames * frames, axis=1) / 32_768.0**2
    return np.asarray(np.maximum(10 * np.log10(np.maximum(power, 1e-12)), SILENT_DBFS))


def floor_of(dbfs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the noise floor under each frame."""
    reach, step = FLOOR_WINDOW_MS // FRAME_MS // 2, FLOOR_STEP_MS // FRAME_MS
    at = np.arange(0, max(len(dbfs), 1), step)
    found = [np.quantile(dbfs[max(0, i - reach) : i + reach], FLOOR_SHARE) if len(dbfs) else SILENT_DBFS for i in at]
    return np.asarray(np.minimum(np.interp(np.arange(len(dbfs)), at, found), FLOOR_DBFS_MAX))


def spurts_of(pcm: Samples, rate_hz: int, below_dbfs: NDArray[np.float64] | None = None) -> list[Spurt]:
    """Return a channel's spurts in their order; no two are closer than BRIDGE_MS.

    Args:
        pcm: (samples,) of int16's range.
        below_dbfs: for each frame a level below which nothing counts, such as an echo's.
    """
    dbfs = levels(pcm, rate_hz)
    floor = floor_of(dbfs)
    loud = dbfs >= np.maximum(floor + BEGIN_DB, BEGIN_DBFS_MIN)
    kept = dbfs >= np.maximum(floor + KEEP_DB, KEEP_DBFS_MIN)
    if below_dbfs is not None:
        loud, kept = loud & (dbfs >= below_dbfs), kept & (dbfs >= below_dbfs)
    pieces = [(a, b) for a, b in _runs(kept | loud) if loud[a:b].any()]
    bridged: list[tuple[int, int]] = []
    for begin, end in pieces:
        if bridged and (begin - bridged[-1][1]) * FRAME_MS <= BRIDGE_MS:
            bridged[-1] = (bridged[-1][0], end)
        else:
            bridged.append((begin, end))
    return [
        Spurt(begin * FRAME_MS, end * FRAME_MS)
        for begin, end in bridged
        if int(loud[begin:end].sum()) * FRAME_MS >= SPURT_MS_MIN
    ]


def _runs(mask: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return the stretches of True as (first, one beyond the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
