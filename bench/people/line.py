"""A prospect at the carrier's end of a stream: says what it is given, and hears what is played to it. Sans-I/O.

What it hears counts from when the carrier's buffer plays it (bench/earpiece.py), not from when it came. Times are
seconds of a monotonic clock, given by the caller.
"""

from base64 import b64encode
from collections.abc import Callable

from bench.carrier_stream import CarrierStream, parse
from bench.earpiece import Earpiece
from bench.people.sounds import Ear, Mouth
from media.codec import g711


class Line:
    """One call's. Implements the pacer's `Ticked`; `send` takes a text message."""

    def __init__(self, number: int, mouth: Mouth, ear: Ear, send: Callable[[bytes], None]) -> None:
        self._stream = CarrierStream(number, send)
        self._mouth = mouth
        self._ear = ear
        self._earpiece = Earpiece()
        self.start = self._stream.start
        self.stop = self._stream.stop

    def tick(self, now: float) -> None:
        for name in self._earpiece.due(now):
            self._stream.echo(name)
        self._stream.audio(b64encode(g711.encode(self._mouth(now))))

    def received(self, text: bytes, now: float) -> None:
        """Take a message of the server. Raises msgspec.DecodeError for what no server should send."""
        message = parse(text)
        if message.event == "media" and message.media is not None:
            ulaw = message.media.payload
            self._ear(g711.decode(ulaw), max(now, self._earpiece.free_at))
            self._earpiece.play(ulaw, now)
        elif message.event == "mark" and message.mark is not None:
            self._earpiece.mark(message.mark.name, now)
        elif message.event == "clear":
            for name in self._earpiece.clear(now):
                self._stream.echo(name)
