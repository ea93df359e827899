"""A sentence as a voice says it, for a microphone whose words are to be understood."""

import numpy as np
import soxr

from agent.tts.espeak_library import Espeak
from media.codec.g711 import Samples
from telephony.carrier.voice import PITCH_DEFAULT, RATE_WPM_DEFAULT, VOICE_DEFAULT
from tests.system.pages.sound import BROWSER_HZ

PAUSE_S = 4.0  # behind the sentence, before it comes again


def spoken(text: str) -> Samples:
    """Return the sentence and a pause, int16 at the browser's rate."""
    engine, pieces = Espeak(), list[bytes]()

    def take(pcm: bytes, _words: object) -> bool:
        pieces.append(pcm)
        return True

    engine.speak(text, take, voice=VOICE_DEFAULT, rate_wpm=RATE_WPM_DEFAULT, pitch=PITCH_DEFAULT)
    said = np.frombuffer(b"".join(pieces), dtype=np.int16)
    wide: Samples = np.asarray(soxr.resample(said, engine.rate_hz, BROWSER_HZ), dtype=np.int16)
    return np.concatenate([wide, np.zeros(round(PAUSE_S * BROWSER_HZ), dtype=np.int16)])
