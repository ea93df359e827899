"""Speech through Opus is the same speech, within its rate, and garbage harms nothing."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony.softphone.opus import BIT_RATE, PACKET_BYTES_MAX, Decoder, Encoder
from tests.telephony.softphone.browser import fine, likeness, tune

SOUND = tune(2, 8_000)


def test_what_is_encoded_is_heard() -> None:
    encoder, decoder = Encoder(), Decoder()
    packets = [encoder.encode(SOUND[at : at + 160]) for at in range(0, len(SOUND), 160)]
    assert all(packets)
    assert sum(map(len, packets)) * 8 / 2 < BIT_RATE * 1.15
    frames = [decoder.decode(packet) for packet in packets]
    assert {len(frame) for frame in frames} == {160}
    assert likeness(fine(np.concatenate(frames)), fine(SOUND)) > 0.9


@settings(max_examples=50)
@given(st.binary(max_size=200))
def test_garbage_is_silence_or_noise_and_nothing_else(garbage: bytes) -> None:
    decoder = Decoder()
    assert len(decoder.decode(garbage)) % 20 == 0 or decoder.broken
    assert len(decoder.decode(Encoder().encode(SOUND[:160]))) == 160, "what follows is heard"


def test_what_is_too_long_is_not_looked_at() -> None:
    decoder = Decoder()
    assert not len(decoder.decode(bytes(PACKET_BYTES_MAX + 1)))
    assert not len(decoder.decode(b""))
    assert decoder.broken == 2
