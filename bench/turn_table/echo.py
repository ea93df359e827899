"""The agent's own voice on the caller's channel: how loud it comes back, frame by frame. Sans-I/O.

A speaker-phone's echo is the same wave again, later, softer and blurred by a room. Each two seconds of the agent are
looked for on the caller's channel; where most of them lie equally late there is an echo, and what is no louder than it
is not the caller. Two people who merely take turns have no wave in common.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.turn_table.spurts import FRAME_MS, SILENT_DBFS, Samples, levels

CHUNK_MS: Final = 2_000
LATE_MS_MAX: Final = 800  # the line's two trips and a loudspeaker's buffer
HEARD_DBFS: Final = -40.0  # of the agent: softer chunks tell nothing
ALIKE: Final = 0.15  # of a chunk and what may be its echo: strangers have less than 0.08 over two seconds
APART_MS: Final = 30  # marks place the agent's replies to some 20 ms
CHUNKS_MIN: Final = 3
ROOM_MS: Final = 400  # until a room has died down by 60 dB
OVER_DB: Final = 8.0  # a caller over the echo is louder than this above what is expected of it


def echo_levels(caller: Samples, agent: Samples, rate_hz: int) -> NDArray[np.float64] | None:
    """Return for each frame below which level (dBFS) the caller's channel may hold the agent; None without an echo.

    Args:
        caller, agent: (samples,) of int16's range, of the same length.
    """
    late_ms = _late_ms(caller, agent, rate_hz)
    if late_ms is None:
        return None
    late = late_ms // FRAME_MS
    ours, theirs = levels(agent, rate_hz), levels(caller, rate_hz)
    shifted = np.concatenate([np.full(late, SILENT_DBFS), ours])[: len(ours)]
    speaking = shifted > HEARD_DBFS
    # The caller is silent for most of the time in which the agent speaks: the median is the echo's.
    gain_db = float(np.median(theirs[speaking] - shifted[speaking])) if speaking.any() else SILENT_DBFS
    expected = np.full(len(ours), SILENT_DBFS)
    for frames in range(-APART_MS // FRAME_MS, ROOM_MS // FRAME_MS):
        faded = np.roll(shifted, frames) - max(0, frames) * FRAME_MS * 60 / ROOM_MS
        faded[:frames] = SILENT_DBFS if frames > 0 else faded[:frames]
        expected = np.maximum(expected, faded)
    return np.asarray(np.where(expected > SILENT_DBFS, expected + gain_db + OVER_DB, SILENT_DBFS))


def _late_ms(caller: Samples, agent: Samples, rate_hz: int) -> int | None:
    """Return how late the echo is; None when there is none."""
    found: list[tuple[float, float]] = []  # how alike, how late
    size, reach = CHUNK_MS * rate_hz // 1000, LATE_MS_MAX * rate_hz // 1000
    for start in range(0, len(agent) - size - reach, size):
        chunk = agent[start : start + size]
        if np.sqrt(np.mean(chunk * chunk)) < 32_768 * 10 ** (HEARD_DBFS / 20):
            continue
        found.append(_likeness(chunk, caller[start : start + size + reach], rate_hz))
    alike = [late_ms for likeness, late_ms in found if likeness >= ALIKE]
    if len(alike) < CHUNKS_MIN:
        return None
    middle = float(np.median(alike))
    agreeing = sum(abs(late_ms - middle) <= APART_MS for late_ms in alike)
    return round(middle) if 2 * agreeing >= len(found) else None


def _likeness(chunk: Samples, field: Samples, rate_hz: int) -> tuple[float, float]:
    """Return the best correlation of the chunk within the field (0 to 1), and by how many ms it lies behind."""
    length = len(chunk) + len(field)
    product = np.fft.irfft(np.fft.rfft(field, length) * np.conj(np.fft.rfft(chunk, length)), length)
    product = np.abs(product[: len(field) - len(chunk) + 1])
    sums = np.concatenate([[0.0], np.cumsum(field * field)])
    energy = sums[len(chunk) :] - sums[: -len(chunk)]
    # A channel that is all but silent is like anything.
    faintest = len(chunk) * (32_768 * 10 ** (SILENT_DBFS / 20)) ** 2
    likeness = product / np.sqrt(np.maximum(energy, faintest) * float(chunk @ chunk))
    at = int(np.argmax(likeness))
    return float(likeness[at]), at * 1000 / rate_hz
