"""The carrier's end of one Media Streams socket: the messages that it sends, numbered, and those it gets. Sans-I/O.

The wire form is the carrier's (facts of its protocol): µ-law in base64, 8 kHz, a frame of 20 ms in each message.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from media.frame import FRAME_MS

UNSENT_BYTES_MAX: Final = 65_536  # two seconds of frames that the server does not read: more are dropped


class Media(msgspec.Struct):
    payload: bytes


class Mark(msgspec.Struct):
    name: str


class FromServer(msgspec.Struct):
    event: str
    media: Media | None = None
    mark: Mark | None = None


_DECODER: Final = msgspec.json.Decoder(FromServer)


def parse(text: bytes) -> FromServer:
    """Raises msgspec.DecodeError for what no server should send."""
    return _DECODER.decode(text)


class CarrierStream:
    """What the carrier sends on one call's stream; `send` takes a text message."""

    def __init__(self, number: int, send: Callable[[bytes], None], unsent_bytes: Callable[[], int] = lambda: 0) -> None:
        self._stream = f"MZ{number:032x}"
        self._call = f"CA{number:032x}"
        self._send = send
        self._unsent_bytes = unsent_bytes
        self._sequence = 1
        self._frames = 0

    def start(self) -> None:
        self._send(b'{"event":"connected","protocol":"Call","version":"1.0.0"}')
        account = f"AC{0:032x}"
        self._send(
            f'{{"event":"start","sequenceNumber":"1","start":{{"accountSid":"{account}","streamSid":"{self._stream}",'
            f'"callSid":"{self._call}","tracks":["inbound"],"mediaFormat":{{"encoding":"audio/x-mulaw",'
            f'"sampleRate":8000,"channels":1}},"customParameters":{{}}}},"streamSid":"{self._stream}"}}'.encode()
        )

    def stop(self) -> None:
        self._sequence += 1
        self._send(
            f'{{"event":"stop","sequenceNumber":"{self._sequence}","stop":{{"accountSid":"AC{0:032x}",'
            f'"callSid":"{self._call}"}},"streamSid":"{self._stream}"}}'.encode()
        )

    def audio(self, payload: bytes) -> bool:
        """Send a frame, base64; False when it is dropped because the server does not read."""
        self._frames += 1
        self._sequence += 1
        if self._unsent_bytes() > UNSENT_BYTES_MAX:
            return False
        self._send(
            b'{"event":"media","sequenceNumber":"%d","media":{"track":"inbound","chunk":"%d","timestamp":"%d",'
            b'"payload":"%b"},"streamSid":"%b"}'
            % (self._sequence, self._frames, (self._frames - 1) * FRAME_MS, payload, self._stream.encode())
        )
        return True

    def echo(self, mark: str) -> None:
        """Tell that a mark's audio has been played, or cleared."""
        self._sequence += 1
        self._send(
            f'{{"event":"mark","sequenceNumber":"{self._sequence}","streamSid":"{self._stream}",'
            f'"mark":{{"name":"{mark}"}}}}'.encode()
        )
