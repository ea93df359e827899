"""pocketsphinx bound to a playbook's phrases: 8 kHz telephone audio in, words out. Blocking; one thread at a time.

It never releases the interpreter lock, so it lives in the speech worker. Telephone grade, English: good for the
phrases it was built from, numbers and times.
"""

import io
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import IO, Any, Final

import numpy as np
import pocketsphinx
import soxr
from pocketsphinx.lm import ArpaBoLM

FED_HZ: Final = 8_000
_MODEL_HZ: Final = 16_000  # its 8 kHz setting more than doubles the error rate
_FRAME_MS: Final = 10
# Tried on klatt, slt and rms voices through µ-law: the error rate is flat around these.
_DISCOUNT_MASS: Final = 0.2
_LANGUAGE_WEIGHT: Final = 9.0
_GAUSSIANS: Final = 8
# The cepstral mean of a µ-law line at -20 dBFS after this resampler. With the model's own (microphones at 16 kHz)
# the first utterances of a call have half as many errors again.
TELEPHONE_MEAN: Final = "51.2,9.0,-10.7,12.6,-6.8,-0.7,-9.0,1.3,-10.4,5.1,-3.9,5.4,-2.7"
_PARTIAL_EVERY_MS: Final = 100
_TAIL_MS: Final = 120  # of silence after the end, so that a last consonant is not cut
# Mean word posterior below which the words are as good as made up. Speech outside the phrases has 0.03 to 0.3;
# a long utterance that was understood has more than 0.5, a single word of it may have less.
_CONFIDENCE_MIN_SHORT: Final = 0.06
_CONFIDENCE_MIN_LONG: Final = 0.22
_SHORT_WORDS: Final = 4
_LONG_WORDS: Final = 8
# Rms of the noise added to each sample, -58 dBFS: on a line that is digitally silent between words the logarithms
# of nothing upset the cepstral mean, and a fifth of the words with it.
_DITHER: Final = 40.0
_DITHER_SEED: Final = 1  # the same for each utterance: what is heard twice is understood twice
_DECODERS_IDLE_MAX: Final = 16
# Hums, as people make them: the dictionary spells "mm" and "hmm" as one closed sound each, and of two of them in one
# breath the recogniser made "am I am" and "eleven".
_HUMS: Final[Mapping[str, tuple[str, ...]]] = {
    "mm": ("M", "AH M", "EH M"),
    "hmm": ("HH M", "HH AH M"),
    "mm-hmm": ("M HH M", "AH M HH AH M", "EH M HH AH M", "EH M HH M"),
    "uh-huh": ("AH HH AH", "AH AH", "AA HH AA"),
}
_VARIANT: Final = re.compile(r"\(\d+\)$")
_FILLERS: Final = ("<", "[", "+")


class HearingImpossible(Exception):
    """No model can be built from the phrases, or the decoder refused the audio."""


@dataclass(frozen=True, slots=True)
class HeardText:
    text: str
    words: tuple[tuple[str, int, int], ...]  # text, start and end in ms since the first sample
    confidence: float  # 0 to 1: the mean posterior of its words
    cepstral_mean: str


class PhraseModel:
    """The language model and dictionary of one set of phrases, and the decoders that are built on them."""

    def __init__(self, phrases: Iterable[str]) -> None:
        """Raises HearingImpossible."""
        dictionary = _dictionary()
        lines: list[str] = []
        words: set[str] = set()
        unknown: set[str] = set()
        for phrase in phrases:
            said = phrase.lower().split()
            missing = [word for word in said if word not in dictionary]
            unknown.update(missing)
            if said and not missing:
                lines.append(" ".join(said))
                words.update(said)
        if not lines:
            raise HearingImpossible("none of the phrases can be recognised")
        self.unknown_words = tuple(sorted(unknown))
        model = ArpaBoLM(text="\n".join(lines), add_start=True, discount_mass=_DISCOUNT_MASS)
        model.compute()
        written = io.StringIO()
        model.write(written)
        pronounced = "".join(line for word in sorted(words) for line in dictionary[word])
        self._files = (_nameless_file(written.getvalue()), _nameless_file(pronounced))
        self._idle: list[Any] = [self._build()]

    def borrow(self) -> Any:
        """Return a decoder for one utterance; give it back. A new one takes some 25 ms."""
        return self._idle.pop() if self._idle else self._build()

    def give_back(self, decoder: Any) -> None:
        if len(self._idle) < _DECODERS_IDLE_MAX:
            self._idle.append(decoder)

    def close(self) -> None:
        """Free the files; decoders that are lent out go on, new ones cannot be built."""
        for file in self._files:
            file.close()

    def _build(self) -> Any:
        language, dictionary = (_path(file) for file in self._files)
        config = pocketsphinx.Config(
            lm=language,
            dict=dictionary,
            fwdflat=False,  # a second pass would hold the answer back by 100 ms
            loglevel="FATAL",
            samprate=_MODEL_HZ,
            lw=_LANGUAGE_WEIGHT,
            topn=_GAUSSIANS,
        )
        try:
            return pocketsphinx.Decoder(config)
        except RuntimeError as error:
            raise HearingImpossible(str(error)) from None


class Utterance:
    """One utterance on a borrowed decoder: fed, then finished or dropped."""

    def __init__(self, model: PhraseModel, cepstral_mean: str = "") -> None:
        """Raises HearingImpossible."""
        self._model = model
        self._decoder = model.borrow()
        self._decoder.set_cmn(cepstral_mean or TELEPHONE_MEAN)
        self._decoder.start_utt()
        # QQ holds nothing back, and the images that it leaves above 4 kHz suit the acoustic model: better
        # qualities raise the error rate by half.
        self._resampler = soxr.ResampleStream(FED_HZ, _MODEL_HZ, 1, dtype="int16", quality="QQ")
        self._noise = np.random.default_rng(_DITHER_SEED)
        self._fed_ms = 0.0
        self._asked_ms = 0.0
        self._partial = ""

    def feed(self, pcm: bytes) -> str | None:
        """Take samples; return what has been understood so far when that changed.

        pcm: int16, 8 kHz.

        Raises:
            HearingImpossible: the decoder refused.
        """
        samples = np.frombuffer(pcm[: len(pcm) & ~1], "<i2")
        self._process(samples, last=False)
        self._fed_ms += len(samples) * 1000 / FED_HZ
        if self._fed_ms - self._asked_ms < _PARTIAL_EVERY_MS:
            return None
        self._asked_ms = self._fed_ms
        hypothesis = self._decoder.hyp()
        text = hypothesis.hypstr if hypothesis is not None else ""
        if text == self._partial:
            return None
        self._partial = text
        return text

    def finish(self) -> HeardText:
        """Return what was said. Raises HearingImpossible."""
        self._process(np.zeros(_TAIL_MS * FED_HZ // 1000, np.int16), last=True)
        decoder = self._decoder
        decoder.end_utt()
        hypothesis = decoder.hyp()
        mean = decoder.get_cmn()
        words = [] if hypothesis is None else [part for part in decoder.seg() if not part.word.startswith(_FILLERS)]
        heard = HeardText("", (), 0.0, mean)
        if words:
            confidence = _mean_posterior([part.prob for part in words])
            if confidence >= _confidence_min(len(words)):
                timed = tuple((_bare(part.word), *self._span_ms(part.start_frame, part.end_frame)) for part in words)
                heard = HeardText(" ".join(word for word, _, _ in timed), timed, confidence, mean)
            else:
                heard = HeardText("", (), confidence, mean)
        self._model.give_back(decoder)
        return heard

    def drop(self) -> None:
        """End without an answer."""
        self._decoder.end_utt()
        self._model.give_back(self._decoder)

    def _process(self, samples: np.typing.NDArray[np.int16], *, last: bool) -> None:
        dithered = samples + self._noise.normal(0.0, _DITHER, len(samples))
        narrow = np.clip(np.rint(dithered), -32_768, 32_767).astype(np.int16)
        block = self._resampler.resample_chunk(narrow, last=last)
        if not len(block):
            return
        try:
            self._decoder.process_raw(block.tobytes())
        except RuntimeError as error:
            raise HearingImpossible(str(error)) from None

    def _span_ms(self, first: int, last: int) -> tuple[int, int]:
        end = round(self._fed_ms)
        return min(first * _FRAME_MS, end), min((last + 1) * _FRAME_MS, end)


def _mean_posterior(posteriors: list[float]) -> float:
    """Return the geometric mean: one word that cannot be believed counts against the whole."""
    # The recogniser's own logarithms are rounded: a certain word may have a little more than 1.
    return math.exp(sum(math.log(min(max(value, 1e-9), 1.0)) for value in posteriors) / len(posteriors))


def _confidence_min(words: int) -> float:
    share = min(max((words - _SHORT_WORDS) / (_LONG_WORDS - _SHORT_WORDS), 0.0), 1.0)
    return _CONFIDENCE_MIN_SHORT + share * (_CONFIDENCE_MIN_LONG - _CONFIDENCE_MIN_SHORT)


def _bare(word: str) -> str:
    return _VARIANT.sub("", word)


@cache
def _dictionary() -> dict[str, list[str]]:
    """Return each word's lines in the dictionary of the model; read once, some 150 ms."""
    words: dict[str, list[str]] = {}
    with open(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict"), encoding="utf-8") as lines:
        for line in lines:
            word = line.split(" ", 1)[0]
            words.setdefault(_bare(word), []).append(line)
    for word, sounds in _HUMS.items():
        words[word] = [f"{word}{f'({place})' if place > 1 else ''} {sound}\n" for place, sound in enumerate(sounds, 1)]
    return words


def _nameless_file(text: str) -> IO[bytes]:
    """Return a file that no crash can leave behind; pocketsphinx reads models from paths only."""
    file: IO[bytes] = (
        os.fdopen(os.memfd_create("phrases"), "w+b") if hasattr(os, "memfd_create") else tempfile.NamedTemporaryFile()  # noqa: SIM115 - kept open as long as its model
    )
    file.write(text.encode())
    file.flush()
    return file


def _path(file: IO[bytes]) -> str:
    return file.name if isinstance(file.name, str) else f"/proc/self/fd/{file.fileno()}"
