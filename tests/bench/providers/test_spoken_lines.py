"""Words by the sound of lines: what arrived, where, and nothing that did not."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.providers.spoken_lines import Line, SpokenLines
from media.codec import g711
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_MS, FRAME_SAMPLES

FRAMES = 40


def sound(seed: int, frames: int = FRAMES) -> bytes:
    noise = np.random.default_rng(seed).standard_normal(frames * FRAME_SAMPLES) * 3_000
    return g711.encode(noise.astype(np.int16))


def line(text: str, seed: int) -> Line:
    return Line(text, sound(seed), 0, FRAMES * FRAME_SAMPLES)


YES, NO = line("sim pode falar", 1), line("não me ligue", 2)
KNOWN = SpokenLines.of([YES, NO])
PAUSE = ULAW_SILENCE * (10 * FRAME_SAMPLES)


def texts(ulaw: bytes) -> str:
    return " ".join(word.text for word in KNOWN.understand(ulaw))


def test_lines_are_made_out_in_their_order_with_their_times() -> None:
    words = KNOWN.understand(PAUSE + NO.ulaw + PAUSE + YES.ulaw)
    assert " ".join(word.text for word in words) == "não me ligue sim pode falar"
    assert words[0].start_ms == 10 * FRAME_MS
    assert words[-1].end_ms == (20 + 2 * FRAMES) * FRAME_MS
    assert all(one.end_ms <= two.start_ms for one, two in pairwise(words))


def test_the_same_line_twice_is_heard_twice() -> None:
    assert texts(YES.ulaw + PAUSE + YES.ulaw) == "sim pode falar sim pode falar"


@given(st.integers(0, FRAMES))
def test_of_a_line_that_breaks_off_the_first_words_are_known(frames: int) -> None:
    heard = texts(YES.ulaw[: frames * FRAME_SAMPLES])
    assert YES.text.startswith(heard)
    last = FRAMES * len("simpode") // len("simpodefalar")  # where the last word begins, by letters
    assert (heard == YES.text) is (frames >= last + (FRAMES - last) / 2), "half of a word is enough"


def test_of_a_line_that_was_let_in_late_the_last_words_are_known() -> None:
    assert texts(YES.ulaw[20 * FRAME_SAMPLES :]) == "falar"


@given(st.integers(0, FRAMES))
def test_a_line_that_is_told_in_two_parts_has_each_word_once(frames: int) -> None:
    first, rest = YES.ulaw[: frames * FRAME_SAMPLES], YES.ulaw[frames * FRAME_SAMPLES :]
    assert f"{texts(first)} {texts(rest)}".split() == YES.text.split()


@given(st.binary(max_size=4_000))
def test_any_other_sound_has_no_words(ulaw: bytes) -> None:
    assert KNOWN.understand(ulaw) == []


def test_lines_that_begin_alike_are_told_apart_by_what_follows() -> None:
    start = sound(3, FRAMES // 2)
    one = Line("tá bom", start + sound(4, FRAMES // 2), 0, FRAMES * FRAME_SAMPLES)
    other = Line("tá certo então", start + sound(5, FRAMES // 2), 0, FRAMES * FRAME_SAMPLES)
    known = SpokenLines.of([one, other])
    assert [word.text for word in known.understand(other.ulaw)][-1] == "então"
    assert len(known.understand(one.ulaw)) == 2


@pytest.mark.parametrize("text", ["sim", "a b c d e f g h"])
def test_every_word_has_a_place_even_in_a_very_short_sound(text: str) -> None:
    short = Line(text, sound(6, 2), 0, 2 * FRAME_SAMPLES)
    assert SpokenLines.of([short]).understand(short.ulaw)
