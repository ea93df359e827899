"""Gains by table: as good as decoding, saturating, and fades without a jump."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from media.codec import g711
from media.fade import FADE_MS, STEP_DB, amplify, faded_in, fading_out, gain_table

LOUD = g711.encode(np.full(40 * 8, 20_000, dtype=np.int16))


@given(st.binary(max_size=400), st.integers(-80, 80))
def test_a_table_does_what_decoding_and_multiplying_does(ulaw: bytes, steps: int) -> None:
    linear = g711.decode(ulaw).astype(np.float64) * 10 ** (steps * STEP_DB / 20)
    wanted = g711.encode(np.clip(np.rint(linear), -32_767, 32_767).astype(np.int16))
    assert amplify(ulaw, steps) in (wanted, ulaw if not steps else wanted)


@given(st.integers(-80, 80))
def test_a_louder_sample_stays_the_louder_one(steps: int) -> None:
    """No wrap: the table rises with the sample, whatever the gain."""
    linear = g711.decode(bytes(range(256))).astype(int)
    louder = g711.decode(gain_table(steps)).astype(int)
    order = np.argsort(linear, kind="stable")
    assert (np.diff(louder[order]) >= 0).all()


def test_silence_stays_silent_at_any_gain() -> None:
    assert g711.decode(amplify(g711.ULAW_SILENCE, 40)).tolist() == [0]


def test_a_voice_rises_from_silence_and_goes_on_untouched() -> None:
    faded = faded_in(LOUD)
    assert len(faded) == len(LOUD)
    assert faded[FADE_MS * 8 :] == LOUD[FADE_MS * 8 :]
    levels = g711.decode(faded[: FADE_MS * 8]).astype(int)
    assert (np.diff(levels) >= 0).all()
    assert levels[0] < 400


def test_a_voice_falls_to_silence_and_nothing_follows() -> None:
    faded = fading_out(LOUD)
    assert len(faded) == FADE_MS * 8
    levels = g711.decode(faded).astype(int)
    assert (np.diff(levels) <= 0).all()
    assert levels[-1] < 400


def test_what_is_shorter_than_a_fade_is_faded_as_far_as_it_goes() -> None:
    assert len(faded_in(LOUD[:13])) == len(fading_out(LOUD[:13])) == 13
    assert fading_out(b"") == b""
