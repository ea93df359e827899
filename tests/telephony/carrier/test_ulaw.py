"""µ-law tables against G.711's own anchor values and its properties."""

import numpy as np

from telephony.carrier import ulaw


def test_silence_is_ff_both_ways() -> None:
    assert ulaw.encode(np.zeros(2, np.int16)) == b"\xff\xff"
    assert ulaw.decode(b"\xff\x7f").tolist() == [0, 0]


def test_anchor_values_of_the_standard() -> None:
    # G.711 table 2b: the ends of the scale, and the first step of the top segment (14-bit values times four).
    assert ulaw.decode(b"\x00\x80\x8f\xf0").tolist() == [-32124, 32124, 16764, 120]


def test_every_code_but_negative_zero_survives_a_round_trip() -> None:
    codes = bytes(range(256))
    back = ulaw.encode(ulaw.decode(codes))
    assert [a for a, b in zip(codes, back, strict=True) if a != b] == [0x7F]


def test_error_is_within_half_a_step() -> None:
    pcm = np.arange(-32_000, 32_001, 7, dtype=np.int16)
    error = np.abs(ulaw.decode(ulaw.encode(pcm)).astype(np.int32) - pcm)
    assert np.all(error <= np.maximum(8, np.abs(pcm.astype(np.int32)) // 25 + 8))
