"""Units of the audio plane: the telephone's rate and the arithmetic between samples and milliseconds. Sans-I/O."""

from typing import Final

RATE_HZ: Final = 8_000
SAMPLES_PER_MS: Final = RATE_HZ // 1_000
FRAME_MS: Final = 20
FRAME_SAMPLES: Final = FRAME_MS * SAMPLES_PER_MS


def samples_to_ms(samples: int) -> int:
    """Return whole milliseconds, rounded down."""
    return samples // SAMPLES_PER_MS


def ms_to_samples(ms: int) -> int:
    return ms * SAMPLES_PER_MS
