"""What we say of a call against what the carrier in a box saw: response, barge-in, heard words, the recording.

The carrier's figures are the truth: its own clock, its own samples. Shapes as `/box/calls/{sid}` gives them.
"""

import io
import wave
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent.reply import Reply, Waterfall
from agent.saying import PAUSE_MS
from agent.sentences import SentenceSplitter
from agent.speech_process import SpeechProcess
from bench.manners import cut_ins_ms, stops_for_nothing_ms
from media.frame import RATE_HZ, SAMPLES_PER_MS

VOICE: Final = "en-us"
_WINDOW_S: Final = 4
_LAG_MAX_MS: Final = 400
_LOUD: Final = 200.0  # RMS below which a window holds nothing to align
_AS_GOOD: Final = 0.99  # of the best likeness
_FAINT_SHARE: Final = 0.01  # of the window's energy: a field fainter than this is silence
_ANSWER_WITHIN_MS: Final = 3_000
_CLEAR_WITHIN_MS: Final = 400

Samples = NDArray[np.float64]


@dataclass(slots=True)
class Compared:
    """One call's differences, in ms but for words."""

    response_ms: list[float] = field(default_factory=list)  # at the carrier: last voiced sample to first audible one
    response_error_ms: list[float] = field(default_factory=list)  # ours minus the carrier's
    stopped_after_ms: list[float] = field(default_factory=list)  # at the carrier: first syllable to last agent sample
    word_errors: list[int] = field(default_factory=list)  # heard_text against the carrier's played samples
    misaligned_ms: list[float] = field(default_factory=list)  # worst window of each channel
    cut_ins_ms: list[float] = field(default_factory=list)
    stops_for_nothing_ms: list[float] = field(default_factory=list)  # when


def compare_turns(summary: Mapping[str, Any], truth: Mapping[str, Any]) -> Compared:
    """Compare responses and barge-ins of a call's summary with the carrier's account of it."""
    compared = Compared(cut_ins_ms=cut_ins_ms(truth), stops_for_nothing_ms=stops_for_nothing_ms(truth))
    said = [one for one in truth["utterances"] if not one["aside"]]
    bursts = truth["agent_audio"]
    for one in said:
        after = next((b for b in bursts if one["ended_ms"] <= b["started_ms"]), None)
        heard_again = next((two for two in said if two["started_ms"] > one["ended_ms"]), None)
        if after is None or after["started_ms"] - one["ended_ms"] > _ANSWER_WITHIN_MS:
            continue
        if heard_again is not None and heard_again["started_ms"] < after["started_ms"]:
            continue
        compared.response_ms.append(after["started_ms"] - one["ended_ms"])
    for turn in summary["turns"]:
        if turn["response_ms"] is None:
            continue
        burst = _nearest(bursts, turn["started_ms"])
        utterance = _nearest_end(said, turn["started_ms"] - turn["response_ms"])
        if burst is not None and utterance is not None:
            true_ms = burst["started_ms"] - utterance["ended_ms"]
            compared.response_error_ms.append(turn["response_ms"] - true_ms)
    for one in said:
        over = next((b for b in bursts if b["started_ms"] < one["started_ms"] < b["ended_ms"]), None)
        if over is not None:
            compared.stopped_after_ms.append(over["ended_ms"] - one["started_ms"])
    return compared


async def compare_words(
    summary: Mapping[str, Any], truth: Mapping[str, Any], speech: SpeechProcess, voice: str = VOICE
) -> list[int]:
    """Return, for each answer that was cut, by how many words `heard_text` differs from what was played.

    `voice`: the embedded one that the agent has.
    """
    errors = []
    for turn in summary["turns"]:
        if turn["speaker"] != "agent" or not turn["interrupted"]:
            continue
        meanwhile = [
            c for c in truth["clears"] if turn["started_ms"] < c["at_ms"] < turn["ended_ms"] + _CLEAR_WITHIN_MS
        ]
        if len(meanwhile) > 1:
            continue  # it was resumed in between: the carrier's samples do not tell from which word
        clear = min(truth["clears"], key=lambda c: abs(c["at_ms"] - turn["ended_ms"]), default=None)
        burst = _nearest(truth["agent_audio"], turn["started_ms"])
        if clear is None or burst is None or abs(clear["at_ms"] - turn["ended_ms"]) > _CLEAR_WITHIN_MS:
            continue
        reply = await _spoken_again(turn["text"], speech, voice)
        played = reply.heard_text(round(clear["at_ms"] - burst["started_ms"]))
        errors.append(abs(len(played.split()) - len(turn["heard_text"].split())))
    return errors


def misaligned_ms(recording: bytes, heard: bytes, said: bytes) -> list[float]:
    """Return, for each channel of our WAV, the largest lag of any loud window against the carrier's own WAV."""
    ours = _samples(recording)
    return [_worst_lag(ours[:, 0], _samples(said)[:, 0]), _worst_lag(ours[:, 1], _samples(heard)[:, 0])]


def read_recording(summary: Mapping[str, Any]) -> bytes:
    return Path(summary["recording"]["path"]).read_bytes()


async def _spoken_again(text: str, speech: SpeechProcess, voice: str) -> Reply:
    """Make the answer again to learn where its words lie: the voice is deterministic."""
    reply, offset_ms = Reply(0, Waterfall()), 0
    splitter = SentenceSplitter()
    for sentence in [*splitter.push(text + " "), *splitter.flush()]:
        length = 0
        async for piece in speech.speak(sentence, voice):
            reply.add_words(piece.words, offset_ms)
            length += len(piece.audio) // 2
        offset_ms += length // SAMPLES_PER_MS + PAUSE_MS
    return reply


def _nearest(bursts: Sequence[Mapping[str, Any]], at_ms: float) -> Mapping[str, Any] | None:
    near = [b for b in bursts if abs(b["started_ms"] - at_ms) < _CLEAR_WITHIN_MS]
    return min(near, key=lambda b: abs(b["started_ms"] - at_ms)) if near else None


def _nearest_end(said: Sequence[Mapping[str, Any]], at_ms: float) -> Mapping[str, Any] | None:
    near = [one for one in said if abs(one["ended_ms"] - at_ms) < _CLEAR_WITHIN_MS]
    return min(near, key=lambda one: abs(one["ended_ms"] - at_ms)) if near else None


def _samples(wav: bytes) -> Samples:
    with wave.open(io.BytesIO(wav)) as file:
        channels = file.getnchannels()
        raw = np.frombuffer(file.readframes(file.getnframes()), dtype=np.int16)
    return raw.reshape(-1, channels).astype(np.float64)


def _worst_lag(one: Samples, other: Samples) -> float:
    worst = 0.0
    size, reach = _WINDOW_S * RATE_HZ, _LAG_MAX_MS * SAMPLES_PER_MS
    for start in range(0, min(len(one), len(other)) - size, size):
        window, field_ = one[start : start + size], other[max(0, start - reach) : start + size + reach]
        if np.sqrt(np.mean(window**2)) < _LOUD:
            continue
        worst = max(worst, abs(_lag(window, field_, min(start, reach))) / SAMPLES_PER_MS)
    return worst


def _lag(window: Samples, field_: Samples, zero: int) -> int:
    """Return by how many samples the window is off its place in the field, which begins `zero` samples earlier.

    Likeness is measured with loudness taken out, or a louder stretch nearby would win; and of places that are as
    good the nearest counts, since a tone is like itself in every period.
    """
    length = len(window) + len(field_)
    spectrum = np.fft.rfft(field_, length) * np.conj(np.fft.rfft(window, length))
    product = np.fft.irfft(spectrum, length)[: len(field_) - len(window) + 1]
    sums = np.concatenate([[0.0], np.cumsum(field_**2)])
    energy = sums[len(window) :] - sums[: -len(window)]
    likeness = product / np.sqrt(np.maximum(energy, _FAINT_SHARE * float(window @ window)))
    good = np.flatnonzero(likeness >= likeness.max() * _AS_GOOD)
    return int(good[np.argmin(np.abs(good - zero))]) - zero
