"""Two seconds of real speech as carrier frames, made once with the embedded voice. Blocking; no I/O of its own."""

from base64 import b64encode
from dataclasses import dataclass
from typing import Final

import numpy as np

from agent.tts.espeak_library import Espeak
from agent.tts.espeak_speech import render
from media.codec import g711
from media.frame import FRAME_MS, FRAME_SAMPLES, RATE_HZ, ms_to_samples

# Without a pause that could pass for its end, and longer than is used.
_TEXT: Final = "well I am really not so sure about all of this but maybe you can tell me more"
SPEECH_MS: Final = 2_000
_VOICED_SHARE: Final = 0.05  # of the loudest frame's level: a quieter frame counts as silence
_FADE_MS: Final = 5  # at the cut: a click is no speech
SILENCE: Final = b64encode(g711.ULAW_SILENCE * FRAME_SAMPLES)


@dataclass(frozen=True, slots=True)
class Utterance:
    ulaw: bytes
    frames: tuple[bytes, ...]  # base64 of 20 ms each; the last one is the last voiced
    first_voiced: int  # index of the frame with the first voiced sample


def speak_two_seconds() -> Utterance:
    """Return the utterance. Raises EspeakFailed."""
    pcm = np.frombuffer(render(Espeak(), _TEXT, "en-us").pcm, np.int16)[: ms_to_samples(SPEECH_MS)].copy()
    assert len(pcm) == ms_to_samples(SPEECH_MS), "the text is too short"
    fade = _FADE_MS * RATE_HZ // 1000
    pcm[-fade:] = (pcm[-fade:] * np.linspace(1, 0, fade)).astype(np.int16)
    levels = np.sqrt(np.mean(pcm.reshape(-1, FRAME_SAMPLES).astype(np.float64) ** 2, axis=1))
    voiced = np.flatnonzero(levels >= levels.max() * _VOICED_SHARE)
    ulaw = g711.encode(pcm[: (int(voiced[-1]) + 1) * FRAME_SAMPLES])
    pieces = [ulaw[start : start + FRAME_SAMPLES] for start in range(0, len(ulaw), FRAME_SAMPLES)]
    assert len(pieces) * FRAME_MS <= SPEECH_MS
    return Utterance(ulaw, tuple(b64encode(piece) for piece in pieces), int(voiced[0]))
