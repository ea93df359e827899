"""µ-law against the standard's own points, and against itself."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.codec import g711


def test_points_of_the_standard() -> None:
    """ITU-T G.711 table 2a: the decoder's outputs at both ends, around zero, and a middle value."""
    codes = bytes([0x00, 0x80, 0x7F, 0xFF, 0x8F, 0xF0])
    assert g711.decode(codes).tolist() == [-32124, 32124, 0, 0, 16764, 120]


def test_silence_is_ff() -> None:
    assert g711.encode(np.zeros(3, dtype=np.int16)) == g711.ULAW_SILENCE * 3


def test_every_code_survives_a_round_trip_but_for_negative_zero() -> None:
    codes = bytes(range(256))
    back = g711.encode(g711.decode(codes))
    assert [code for code, again in zip(codes, back, strict=True) if code != again] == [0x7F]


@given(st.lists(st.integers(-32768, 32767), max_size=400))
def test_error_is_within_half_a_step(values: list[int]) -> None:
    pcm = np.array(values, dtype=np.int16)
    error = np.abs(g711.decode(g711.encode(pcm)).astype(int) - np.clip(pcm.astype(int), -32124, 32124))
    # A step doubles with each of the eight segments: the largest is 1 024.
    assert np.all(error <= np.maximum(8, np.abs(pcm.astype(int)) // 16 + 4))


def test_the_frame_decoder_knows_every_code() -> None:
    codes = bytes(range(256))
    assert g711.decode_frame(codes) == g711.decode(codes).tobytes()
