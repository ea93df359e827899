"""The measure of hearing itself: it tells the same sound from others, cuts from delays."""

import numpy as np

from media.codec.g711 import Samples, decode, encode
from tests.browser.hearing import median_likeness
from tests.browser.voice_like import voice_like

RATE_HZ = 8_000
SAID = voice_like(12, RATE_HZ, seed=1)


def _from(second: float, seconds: float) -> Samples:
    return SAID[round(second * RATE_HZ) :][: round(seconds * RATE_HZ)]


def test_the_same_sound_is_alike_wherever_it_begins_and_however_loud() -> None:
    quiet = decode(encode((_from(3.217, 5) * 0.3).astype(np.int16)))
    assert median_likeness(quiet, SAID, RATE_HZ) > 0.99


def test_what_is_said_over_and_over_has_no_end() -> None:
    twice = np.concatenate([SAID, SAID])[round(9.4 * RATE_HZ) :][: 5 * RATE_HZ]
    assert median_likeness(twice, SAID, RATE_HZ) > 0.99


def test_what_no_telephone_carries_does_not_count() -> None:
    hum = (6_000 * np.sin(2 * np.pi * 60 * np.arange(5 * RATE_HZ) / RATE_HZ)).astype(np.int16)
    assert median_likeness((_from(2, 5) // 2 + hum).astype(np.int16), SAID, RATE_HZ) > 0.99


def test_another_sound_and_silence_are_not_alike() -> None:
    assert median_likeness(voice_like(5, RATE_HZ, seed=2), SAID, RATE_HZ) < 0.7
    assert median_likeness(np.zeros(5 * RATE_HZ, dtype=np.int16), SAID, RATE_HZ) == 0


def test_a_voice_over_it_shows() -> None:
    over = (_from(2, 5) // 2 + voice_like(5, RATE_HZ, seed=3) // 2).astype(np.int16)
    assert median_likeness(over, SAID, RATE_HZ) < 0.85


def test_pieces_that_do_not_follow_one_another_do_not_count() -> None:
    jumbled = np.concatenate([_from(place, 1) for place in (9, 2, 7, 0, 5)])
    assert median_likeness(jumbled, SAID, RATE_HZ) < 0.7


def test_what_buffers_against_jitter_do_to_time_is_no_other_sound() -> None:
    """A period more here, 20 ms less there, five times a second."""
    cuts = np.arange(round(2.3 * RATE_HZ), round(7.3 * RATE_HZ), RATE_HZ // 5)
    pieces = [SAID[at + shift : at + RATE_HZ // 5] for at, shift in zip(cuts, [0, -70, 160, -70, 0] * 5, strict=True)]
    moved = np.concatenate(pieces)
    assert median_likeness(moved, SAID, RATE_HZ) > 0.9
