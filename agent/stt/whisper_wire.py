"""What passes between the voice process and its Whisper worker: messages in worker_frames. Sans-I/O.

Audio is int16 mono, 8 kHz; times are in ms since its first sample.
"""

from typing import Final

import msgspec

from agent.worker_frames import reader


class Hear(msgspec.Struct, frozen=True, tag="hear"):
    request: int
    pcm: bytes
    language: str  # en, pt: as the model names it
    timed: bool  # the times of words are wanted too, which takes longer


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The model is loaded and warm."""

    languages: tuple[str, ...]
    run_ms: float  # what a short utterance took just now


class Broken(msgspec.Struct, frozen=True, tag="broken"):
    """The model does not load; the worker ends."""

    reason: str


class Heard(msgspec.Struct, frozen=True, tag="heard"):
    request: int
    text: str
    words: tuple[tuple[str, int, int], ...]  # text, start and end; empty where times were not asked for
    confidence: float
    run_ms: float


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    request: int
    reason: str


Report = Ready | Broken | Heard | Failed
decode_order: Final = reader(msgspec.msgpack.Decoder[Hear](Hear))
decode_report: Final = reader(msgspec.msgpack.Decoder[Report](Report))
