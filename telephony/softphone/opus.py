"""Opus both ways, through libopus as PyAV brings it.

To the browser at the telephone's rate: there is nothing above its band to encode, and a narrow encoder costs a third.
"""

from fractions import Fraction
from typing import Final

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.error import FFmpegError

from media.codec.decimate import Decimator
from media.codec.g711 import Samples
from media.frame import FRAME_MS, RATE_HZ
from telephony.softphone.rtp import CLOCK_HZ

BIT_RATE: Final = 28_000  # speech in the telephone's band gets no better above 24 000; the rest is for FEC
LOSS_PERCENT: Final = 5  # that the encoder's FEC is to cover: without an expected loss it sends none
PACKET_BYTES_MAX: Final = 1_500
PACKET_MS_MAX: Final = 120  # RFC 6716 §3.2


class Encoder:
    """One leg's. Frames are 20 ms."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "w")
        assert isinstance(codec, AudioCodecContext), "it is a codec of audio"
        codec.sample_rate = RATE_HZ
        codec.layout = "mono"
        codec.format = "s16"
        codec.bit_rate = BIT_RATE
        codec.time_base = Fraction(1, RATE_HZ)
        codec.options = {
            "application": "voip",
            "frame_duration": str(FRAME_MS),
            "fec": "1",
            "compression_level": "5",  # of 10: a fifth less work, and nothing that a telephone lets through is lost
            "packet_loss": str(LOSS_PERCENT),
        }
        self._codec = codec
        self._samples = 0

    def encode(self, pcm: Samples) -> bytes:
        """Return a packet of 20 ms. `pcm`: (160,) int16, 8 kHz, mono."""
        frame = av.AudioFrame.from_ndarray(pcm[np.newaxis], format="s16", layout="mono")
        frame.sample_rate = RATE_HZ
        frame.pts = self._samples
        self._samples += len(pcm)
        return b"".join(bytes(packet) for packet in self._codec.encode(frame))


class Decoder:
    """One stream's: what a browser sends, at the telephone's rate."""

    def __init__(self) -> None:
        codec = av.CodecContext.create("libopus", "r")
        assert isinstance(codec, AudioCodecContext), "it is a codec of audio"
        codec.sample_rate = CLOCK_HZ
        codec.layout = "mono"
        codec.format = "s16"
        self._codec = codec
        self._narrow = Decimator()
        self.broken = 0  # packets that were no Opus

    def decode(self, packet: bytes) -> Samples:
        """Return the packet's audio, int16, 8 kHz, mono; nothing of one that cannot be decoded."""
        if not packet or len(packet) > PACKET_BYTES_MAX:
            self.broken += 1
            return np.zeros(0, dtype=np.int16)
        try:
            frames = self._codec.decode(av.Packet(packet))
        except FFmpegError:
            self.broken += 1
            return np.zeros(0, dtype=np.int16)
        pieces = [frame.to_ndarray()[0] for frame in frames]
        return self._narrow.push(np.concatenate(pieces)) if pieces else np.zeros(0, dtype=np.int16)
