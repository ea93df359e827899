"""What passes between the voice process and its smart-turn worker: messages in worker_frames. Sans-I/O."""

from typing import Final

import msgspec

from agent.worker_frames import reader


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
decode_ask: Final = reader(msgspec.msgpack.Decoder[Ask](Ask))
decode_report: Final = reader(msgspec.msgpack.Decoder[Report](Report))
