"""The carrier's end of a stream, read by the product's own parser."""

from base64 import b64encode

import msgspec
import pytest

from bench.carrier_stream import UNSENT_BYTES_MAX, CarrierStream, parse
from bench.utterance import SILENCE
from telephony.twilio import messages

TONE = b"\x10" * 160


def test_the_product_understands_what_is_sent_in_its_order() -> None:
    sent: list[bytes] = []
    stream = CarrierStream(7, sent.append)
    stream.start()
    assert stream.audio(SILENCE)
    assert stream.audio(b64encode(TONE))
    stream.echo("one/2")
    stream.stop()
    _, started, first, second, echoed, stopped = (messages.parse(text) for text in sent)
    assert isinstance(started, messages.Started)
    assert started.stream_sid == f"MZ{7:032x}"
    assert isinstance(first, messages.AudioArrived)
    assert isinstance(second, messages.AudioArrived)
    assert (first.at_ms, second.at_ms, second.ulaw) == (0, 20, TONE)
    assert echoed == messages.MarkPlayed("one/2")
    assert isinstance(stopped, messages.Stopped)
    numbers = [int(msgspec.json.decode(text)["sequenceNumber"]) for text in sent[1:]]
    assert numbers == [1, 2, 3, 4, 5]


def test_a_frame_that_the_server_does_not_read_is_dropped_and_its_time_passes() -> None:
    sent: list[bytes] = []
    unsent = [UNSENT_BYTES_MAX + 1, 0]
    stream = CarrierStream(1, sent.append, lambda: unsent.pop(0))
    assert not stream.audio(SILENCE)
    assert stream.audio(SILENCE)
    (frame,) = (messages.parse(text) for text in sent)
    assert isinstance(frame, messages.AudioArrived)
    assert frame.at_ms == 20


def test_what_the_product_sends_is_understood() -> None:
    media = parse(messages.media("MZ1", TONE).encode())
    assert media.media is not None
    assert parse(messages.clear("MZ1").encode()).event == "clear"
    with pytest.raises(msgspec.DecodeError):
        parse(b'{"media": 1}')
