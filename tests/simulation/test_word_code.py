"""Speech that says which word it is: what was played can be read off, and what a fade changed says nothing."""

from hypothesis import given
from hypothesis import strategies as st

from bench.sim import word_code
from media.fade import faded_in, fading_out
from media.frame import SAMPLES_PER_MS
from media.level import VoiceLevels


@given(st.integers(0, word_code.NUMBERS_MAX - 1), st.integers(0, 700), st.integers(0, 700), st.integers(0, 700))
def test_any_part_tells_its_word_and_place(number: int, length_ms: int, start_ms: int, part_ms: int) -> None:
    ulaw = word_code.encode(number, length_ms)
    part = ulaw[start_ms * SAMPLES_PER_MS : (start_ms + part_ms) * SAMPLES_PER_MS]
    places = list(range(length_ms))[start_ms : start_ms + part_ms]
    assert [one for _, one in word_code.decode(part)] == [word_code.CodedMs(number, place) for place in places]


@given(st.binary(max_size=400))
def test_any_sound_is_read_without_a_fault(sound: bytes) -> None:
    for place, coded in word_code.decode(sound):
        assert 0 <= place < len(sound)
        assert 0 <= coded.number < word_code.NUMBERS_MAX


def test_silence_says_nothing() -> None:
    assert not list(word_code.decode(word_code.silence(100)))


def test_a_fade_hides_milliseconds_and_never_makes_other_words() -> None:
    for number in range(0, word_code.NUMBERS_MAX, 7):
        word = word_code.encode(number, 40)
        for faded in (faded_in(word), fading_out(word)):
            assert {coded.number for _, coded in word_code.decode(faded)} <= {number}


def test_the_leveller_leaves_it_alone() -> None:
    sound = b"".join(word_code.encode(n, 300) + word_code.silence(60) for n in range(40))
    assert VoiceLevels().leveller("v").push(sound) == sound
