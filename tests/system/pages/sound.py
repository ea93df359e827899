"""What people say in tests of pages, what a page plays of it, and whether that is what was said."""

import base64
import io
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from playwright.sync_api import Page

from media.codec.g711 import Samples
from tests.browser.hearing import median_likeness
from tests.browser.voice_like import voice_like

PHONE_HZ: Final = 8_000
BROWSER_HZ: Final = 48_000
PROSPECT_SAYS: Final = voice_like(60, PHONE_HZ, seed=1)
PERSON_SAYS: Final = voice_like(20, BROWSER_HZ, seed=2)  # over and over
ALIKE_MIN: Final = 0.9
NOT_ALIKE_MAX: Final = 0.7  # another sound, laid as well as it may be
AUDIBLE: Final = 300  # of 32,768
SECONDS: Final = 6.0  # that are compared at once
STRETCHES_MAX: Final = 4

# What a page plays, as base64 of int16 at its own rate. By frames as the browser has them: they do not depend on a page
# that is busy, nor on the sound card that a machine without one is given.
_RECORD: Final = """async ([expression, seconds]) => {
  const source = await eval(expression);
  let stream = source;
  if (source instanceof AudioNode) {
    stream = source.context.createMediaStreamDestination();
    source.connect(stream);
    stream = stream.stream;
  }
  const track = stream.getAudioTracks()[0].clone();
  const frames = new MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
  const pieces = [];
  let rate = 0;
  for (let samples = 0; samples === 0 || samples < seconds * rate; ) {
    const { value, done } = await frames.read();
    if (done) break;
    rate = value.sampleRate;
    const piece = new Float32Array(value.numberOfFrames);
    value.copyTo(piece, { planeIndex: 0, format: "f32-planar" });
    value.close();
    pieces.push(piece);
    samples += piece.length;
  }
  await frames.cancel();
  track.stop();
  const whole = Int16Array.from(pieces.flatMap((piece) => [...piece]), (one) => Math.max(-1, Math.min(1, one)) * 32767);
  const bytes = new Uint8Array(whole.buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 8192) text += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return [rate, btoa(text)];
}"""
BY_VOICE: Final = "document.getElementById('heard').srcObject"
PROSPECT_BY_SOCKET: Final = "desk.session.listening.analysers[0]"


def record(page: Page, source: str, seconds: float = SECONDS) -> Samples:
    """Return what a stream or an audio node of the page (an expression) gives, int16, mono, at the telephone's rate."""
    rate_hz, text = page.evaluate(_RECORD, [source, seconds])
    sound = np.frombuffer(base64.b64decode(text), dtype="<i2")
    return sound if rate_hz == PHONE_HZ else at_phone_rate(sound)


def assert_alike(take: Callable[[], Samples], said: Samples) -> None:
    """Take stretches of what is heard, 8 kHz, until the median of one's seconds is what was said.

    A core that others use makes holes in sound: so there is more than one try, and none is let through for less.
    """
    found: list[float] = []
    while not found or found[-1] <= ALIKE_MIN:
        assert len(found) < STRETCHES_MAX, f"likeness: {found}"
        found.append(median_likeness(take(), said, PHONE_HZ))


def longest_silence_ms(sound: Samples) -> int:
    """Return how long the longest stretch of it is in which nothing is heard; 8 kHz."""
    longest = run = 0
    for block in sound[: len(sound) // 80 * 80].reshape(-1, 80):
        run = run + 10 if np.abs(block.astype(int)).max() < AUDIBLE else 0
        longest = max(longest, run)
    return longest


def at_phone_rate(sound: Samples) -> Samples:
    """Return a sound of the browser's rate at the telephone's."""
    ratio = BROWSER_HZ // PHONE_HZ
    size = len(sound) // ratio
    spectrum = np.fft.rfft(sound[: size * ratio].astype(float))
    narrow: Samples = (np.fft.irfft(spectrum[: size // 2 + 1], size) / ratio).astype(np.int16)
    return narrow


def write_wav(path: Path, sound: Samples, rate_hz: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(sound.astype("<i2").tobytes())
    return path


def read_wav(content: bytes) -> Samples:
    with wave.open(io.BytesIO(content)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), dtype="<i2")
