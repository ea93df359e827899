"""Reads a call's recording, WAV or Ogg, into its two channels."""

import io

import av
import numpy as np

from bench.turn_table.spurts import Samples


class NoRecording(ValueError):
    """These bytes are not a call's recording; says why and what to give instead."""


def channels_of(content: bytes) -> tuple[Samples, Samples, int]:
    """Return the caller's samples, the agent's, and the rate in Hz. Blocking.

    Raises:
        NoRecording: nothing that can be played, or a single channel.
    """
    pieces: list[Samples] = []
    rate_hz = 0
    try:
        with av.open(io.BytesIO(content), mode="r") as file:
            resampler = av.AudioResampler(format="s16p")
            for frame in file.decode(audio=0):
                rate_hz = frame.sample_rate
                pieces += [whole.to_ndarray().astype(np.float64) for whole in resampler.resample(frame)]
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise NoRecording(f"it cannot be played ({type(error).__name__}): give a WAV or Ogg file of a call") from None
    if not pieces:
        raise NoRecording("it holds no sound: give a recording of a call that was answered")
    sound = np.concatenate(pieces, axis=1)
    if len(sound) < 2:
        raise NoRecording("it has one channel: a call's recording has the caller on the first, the agent on the second")
    return sound[0], sound[1], rate_hz
