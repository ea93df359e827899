"""What passes between the voice process and its smart-turn worker: length-prefixed MessagePack frames. Sans-I/O."""

from typing import Final

import msgspec

from agent.speech_wire import HEAD, Unreadable


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    request: int
    pcm: bytes  # int16 samples, 8 kHz, mono


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The network is warm."""

    run_ms: float  # what a run took just now


class Judged(msgspec.Struct, frozen=True, tag="judged"):
    request: int
    probability: float  # 0 to 1: the turn is over
    run_ms: float


Report = Ready | Judged
_ENCODER: Final = msgspec.msgpack.Encoder()
_ASKS: Final = msgspec.msgpack.Decoder(Ask)
_REPORTS: Final[msgspec.msgpack.Decoder[Report]] = msgspec.msgpack.Decoder(Report)


def encode(message: Ask | Report) -> bytes:
    """Return the message with its length before it."""
    body = _ENCODER.encode(message)
    return HEAD.pack(len(body)) + body


def decode_ask(body: bytes) -> Ask:
    """Raises Unreadable."""
    try:
        return _ASKS.decode(body)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None


def decode_report(body: bytes) -> Report:
    """Raises Unreadable."""
    try:
        return _REPORTS.decode(body)
    except msgspec.MsgspecError as error:
        raise Unreadable(str(error)) from None
