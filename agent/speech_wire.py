"""What passes between the voice process and its speech worker: messages in worker_frames. Sans-I/O.

Audio is int16 mono, 8 kHz both ways; times are in ms.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from agent.worker_frames import reader

RATE_HZ: Final = 8_000


class Speak(msgspec.Struct, frozen=True, tag="speak"):
    request: int
    text: str
    voice: str


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    request: int


class Prepare(msgspec.Struct, frozen=True, tag="prepare"):
    """Build the recogniser's model for these phrases, once."""

    model: str
    phrases: tuple[str, ...]


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    utterance: int
    model: str
    cepstral_mean: str  # what the call's channel was like in its last utterance; empty: a usual one


class Feed(msgspec.Struct, frozen=True, tag="feed"):
    utterance: int
    pcm: bytes


class Finish(msgspec.Struct, frozen=True, tag="finish"):
    utterance: int


class Drop(msgspec.Struct, frozen=True, tag="drop"):
    utterance: int


Order = Speak | Cancel | Prepare | Begin | Feed | Finish | Drop


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """Both engines are warm."""


class SpokenPiece(msgspec.Struct, frozen=True, tag="spoken"):
    request: int
    pcm: bytes
    words: tuple[tuple[str, int, int], ...]  # text, start and end since the text's first sample
    last: bool


class SpeakFailed(msgspec.Struct, frozen=True, tag="speak_failed"):
    request: int
    reason: str


class Prepared(msgspec.Struct, frozen=True, tag="prepared"):
    model: str
    unknown_words: tuple[str, ...]  # not in the dictionary: phrases with them cannot be recognised


class PrepareFailed(msgspec.Struct, frozen=True, tag="prepare_failed"):
    model: str
    reason: str


class Partial(msgspec.Struct, frozen=True, tag="partial"):
    utterance: int
    text: str


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    utterance: int
    text: str
    words: tuple[tuple[str, int, int], ...]
    confidence: float
    cepstral_mean: str


class HearingFailed(msgspec.Struct, frozen=True, tag="hearing_failed"):
    utterance: int
    reason: str


Report = Ready | SpokenPiece | SpeakFailed | Prepared | PrepareFailed | Partial | Heard | HearingFailed


decode_order: Final[Callable[[bytes], Order]] = reader(msgspec.msgpack.Decoder[Order](Order))
decode_report: Final[Callable[[bytes], Report]] = reader(msgspec.msgpack.Decoder[Report](Report))
