"""Whisper by faster-whisper: 8 kHz telephone audio in, words out. Blocking; lives in the Whisper worker."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import soxr
from faster_whisper import WhisperModel

from agent.stt.whisper_folder import SETTING, BadModelFolder, check_folder

FED_HZ: Final = 8_000
_MODEL_HZ: Final = 16_000
_WINDOW_S: Final = 30.0  # what the model hears at once, whatever it is given
# A model that begins to repeat itself goes on to its 448 tokens, which takes many times as long as the utterance did.
# People say three to four words in a second, some five tokens.
_TOKENS_MIN: Final = 16
_TOKENS_PER_S: Final = 8
_LEVEL_FRAME: Final = 160  # samples: 20 ms
_SOUND_DB: Final = 30.0  # below the loudest frame there is no word


class HearingFailed(Exception):
    """The model refused the audio or the language."""


@dataclass(frozen=True, slots=True)
class HeardText:
    text: str
    words: tuple[tuple[str, int, int], ...]  # text, start and end in ms since the first sample
    confidence: float  # 0 to 1


class WhisperEar:
    """A loaded model."""

    def __init__(self, folder: Path) -> None:
        """Raises BadModelFolder."""
        check_folder(folder)
        try:
            # The folder is complete, so that nothing here asks the network.
            self._model = WhisperModel(str(folder), device="auto", compute_type="default")
        except Exception as error:  # noqa: BLE001 - the tokeniser's reader raises a bare Exception for a bad file
            raise BadModelFolder(f"{SETTING}: the model in {folder} does not load: {error}") from None
        self.languages = tuple(self._model.supported_languages)

    def hear(self, pcm: bytes, language: str, *, timed: bool) -> HeardText:
        """Return what was said.

        pcm: int16, 8 kHz, mono.

        Raises:
            HearingFailed: a language that the model does not know, or audio that it refused.
        """
        if language not in self.languages:
            raise HearingFailed(f"the model does not know the language {language!r}")
        samples = np.frombuffer(pcm[: len(pcm) & ~1], "<i2").astype(np.float32) / 32_768
        if not len(samples):
            return HeardText("", (), 0.0)
        wide = soxr.resample(samples, FED_HZ, _MODEL_HZ)
        segments = self._segments(wide, language, timed=timed)
        text = "".join(segment.text for segment in segments).strip()
        if not text:
            return HeardText("", (), 0.0)
        words = [word for segment in segments for word in segment.words or ()]
        confidence = (
            sum(word.probability for word in words) / len(words)
            if words
            else float(np.exp(min(0.0, segments[0].avg_logprob)))
        )
        begins_ms, ends_ms = _sounding(samples)
        timed_words = tuple(
            (
                word.word.strip(),
                *_within(round(word.start * 1_000), round(word.end * 1_000), begins_ms, ends_ms),
            )
            for word in words
        )
        return HeardText(text, timed_words, min(1.0, max(0.0, float(confidence))))

    def _segments(self, wide: Any, language: str, *, timed: bool) -> list[Any]:
        length_s = len(wide) / _MODEL_HZ
        try:
            found, _ = self._model.transcribe(
                wide,
                language=language,
                beam_size=1,
                temperature=0.0,  # no second and third try at what is unclear: the caller waits
                condition_on_previous_text=False,
                without_timestamps=True,
                word_timestamps=timed,
                max_new_tokens=_TOKENS_MIN + round(min(length_s, _WINDOW_S) * _TOKENS_PER_S),
            )
            segments = []
            for segment in found:
                segments.append(segment)
                # Behind the last word the library would listen again to what is left, which is silence, and models
                # make up words for silence.
                if segment.seek / 100 + _WINDOW_S >= length_s:
                    break
        except (RuntimeError, ValueError, IndexError) as error:
            raise HearingFailed(f"{type(error).__name__}: {error}") from None
        return segments


def _sounding(samples: Any) -> tuple[int, int]:
    """Return where the sound begins and ends, in ms.

    Whisper lets its first word begin with the audio, and so with the pre-roll.
    """
    frames = samples[: len(samples) // _LEVEL_FRAME * _LEVEL_FRAME].reshape(-1, _LEVEL_FRAME)
    length_ms = len(samples) * 1_000 // FED_HZ
    if not len(frames):
        return 0, length_ms
    level = 10 * np.log10(np.mean(np.square(frames), axis=1) + 1e-10)
    loud = np.flatnonzero(level > level.max() - _SOUND_DB)
    return int(loud[0]) * 20, min(length_ms, (int(loud[-1]) + 1) * 20)


def _within(start_ms: int, end_ms: int, begins_ms: int, ends_ms: int) -> tuple[int, int]:
    """Return a word's times, inside the sound and not empty."""
    start = min(max(start_ms, begins_ms), ends_ms - 1)
    return start, max(start + 1, min(end_ms, ends_ms))
