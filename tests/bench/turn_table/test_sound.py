"""Recordings come in two formats, and files that are none are refused by name of the fault."""

import io
import wave

import av
import numpy as np
import pytest

from bench.turn_table.sound import NoRecording, channels_of


def wav(channels: int, samples: int = 8_000) -> bytes:
    sound = np.stack([np.full(samples, 3_000 * (n + 1), np.int16) for n in range(channels)], axis=1)
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setparams((channels, 2, 8_000, 0, "NONE", "not compressed"))
        written.writeframes(sound.tobytes())
    return file.getvalue()


@pytest.mark.parametrize("channels", [2, 3])
def test_the_first_channel_is_the_callers_and_the_second_the_agents(channels: int) -> None:
    caller, agent, rate_hz = channels_of(wav(channels))
    assert rate_hz == 8_000
    assert len(caller) == len(agent) == 8_000
    assert (set(caller), set(agent)) == ({3_000}, {6_000})


def test_ogg_is_read() -> None:
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as written:
        stream = written.add_stream("libopus", rate=48_000, layout="stereo")
        for start in range(0, 48_000, 960):
            tone = np.sin(np.arange(start, start + 960) * 2 * np.pi * 400 / 48_000)
            sound = np.stack([tone * 8_000, tone * 0], axis=1).astype(np.int16).reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(sound, format="s16", layout="stereo")
            frame.sample_rate, frame.pts = 48_000, start
            written.mux(stream.encode(frame))
        written.mux(stream.encode(None))
    caller, agent, rate_hz = channels_of(file.getvalue())
    assert rate_hz == 48_000
    assert np.sqrt(np.mean(caller**2)) > 4_000
    assert np.sqrt(np.mean(agent**2)) < 400


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"no sound at all", "cannot be played"),
        (b"", "cannot be played"),
        (wav(1), "one channel"),
        (wav(2, 0), "no sound"),
    ],
)
def test_what_is_no_recording_is_refused(content: bytes, fault: str) -> None:
    with pytest.raises(NoRecording, match=fault):
        channels_of(content)
