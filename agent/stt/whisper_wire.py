"""What passes between the voice process and its Whisper worker: length-prefixed MessagePack frames. Sans-I/O.

Audio is int16 mono, 8 kHz; times are in ms since its first sample.
"""

from typing import Final

import msgspec

from agent.speech_wire import HEAD, Unreadable


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
_ENCODER: Final = msgspec.msgpack.Encoder()
_ORDERS: Final = msgspec.msgpack.Decoder(Hear)
_REPORTS: Final[msgspec.msgpack.Decoder[Report]] = msgspec.msgpack.Decoder(Report)


def encode(message: Hear | Report) -> bytes:
    """Return the message with its length before it."""
    body = _ENCODER.encode(message)
    return HEAD.pack(len(body)) + body


def decode_order(body: bytes) -> Hear:
    """Raises Unreadable."""
    try:
        return _ORDERS.decode(body)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None


def decode_report(body: bytes) -> Report:
    """Raises Unreadable."""
    try:
        return _REPORTS.decode(body)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None
