"""The least that a response can take: the product's own voice activity, replayed on what the client says.

A room hears the utterance faster than real time; when it knows of a voice's beginning and end is a place in the
audio, not a moment of the clock. What a load run shows beyond it is the server's and the network's.
"""

from base64 import b64decode
from statistics import median
from typing import Final

import msgspec

from bench.utterance import SILENCE, Utterance
from media.activity.detector import VoiceEnded, VoiceStarted
from media.activity.silero import Silero
from media.frame import FRAME_MS
from media.room import Room

TIMES: Final = 6  # with silences of different lengths, so that windows begin elsewhere in the speech
_SILENT_FRAMES: Final = 75


class Floor(msgspec.Struct, frozen=True):
    response_ms: float | None
    barge_in_ms: float | None


class _Ear:
    """Implements `media.room.Ear`: keeps the signals."""

    def __init__(self) -> None:
        self.started: list[VoiceStarted] = []
        self.ended: list[VoiceEnded] = []

    def on_voice(self, signal: object) -> None:
        if isinstance(signal, VoiceStarted):
            self.started.append(signal)
        elif isinstance(signal, VoiceEnded):
            self.ended.append(signal)

    def on_audio(self, pcm: bytes, ulaw: bytes) -> None: ...
    def on_sent(self, at_ms: int) -> None: ...
    def on_playing(self, from_ms: int) -> None: ...
    def on_played_out(self) -> None: ...


def find_floor(utterance: Utterance) -> Floor:
    """Return the medians over several repeats; None for what the voice activity never noticed."""
    silero, ear = Silero(later=lambda _delay_s, _work: None), _Ear()
    clock = [0.0]
    room = Room(silero, None, ear, lambda: clock[0])
    frames: list[bytes] = []
    spoken: list[tuple[int, int]] = []  # when the first and the last frame with voice have been sent, in ms
    silence, speech = b64decode(SILENCE), [b64decode(frame) for frame in utterance.frames]
    for repeat in range(TIMES):
        frames += [silence] * (_SILENT_FRAMES + repeat)
        spoken.append(((len(frames) + utterance.first_voiced + 1) * FRAME_MS, (len(frames) + len(speech)) * FRAME_MS))
        frames += speech
    frames += [silence] * _SILENT_FRAMES
    for index, frame in enumerate(frames):
        clock[0] = (index + 1) * FRAME_MS
        room.heard(frame, index * FRAME_MS)
        silero.run_waiting()
    room.leave()
    return Floor(
        _median([_known(signal.at_ms) - last for signal, (_, last) in zip(ear.ended, spoken, strict=False)]),
        _median([_known(signal.at_ms) - first for signal, (first, _) in zip(ear.started, spoken, strict=False)]),
    )


def _known(at_ms: int) -> int:
    """Return when the frame that holds the sample at `at_ms` has been sent."""
    return -(-at_ms // FRAME_MS) * FRAME_MS


def _median(values: list[int]) -> float | None:
    return float(median(values)) if len(values) == TIMES else None
