"""Speech that says its words, and what a recogniser's server makes of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.providers.coded_speech import PAUSE_MS, WORD_MS, Vocabulary, is_voiced, runs, spread
from bench.providers.scripted_ear import Ear
from bench.providers.speech_script import Hearing
from media.codec.g711 import ULAW_SILENCE
from media.frame import FRAME_SAMPLES

WORDS = [f"word{number}" for number in range(40)]
VOCABULARY = Vocabulary(WORDS)


@given(st.lists(st.sampled_from(WORDS), max_size=12))
def test_what_is_said_is_understood(words: list[str]) -> None:
    heard = VOCABULARY.understand(VOCABULARY.say(" ".join(words)))
    assert [word.text for word in heard] == words
    assert [word.start_ms for word in heard] == [number * (WORD_MS + PAUSE_MS) for number in range(len(words))]


def test_a_word_of_which_little_is_left_is_not_made_out() -> None:
    speech = VOCABULARY.word("word1", 240)
    assert VOCABULARY.understand(speech[:600]) == []
    assert [word.text for word in VOCABULARY.understand(speech[:1_000])] == ["word1"]


def test_more_words_than_loudnesses_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 64"):
        Vocabulary(f"w{number}" for number in range(65))


@given(st.binary(max_size=600))
def test_runs_cover_all_of_any_sound(ulaw: bytes) -> None:
    found = runs(ulaw)
    assert b"".join(bytes([code]) * (end - start) for code, start, end in found) == bytes(b & 0x7F for b in ulaw)


def test_silence_is_not_voiced_and_nothing_is_not_either() -> None:
    assert not is_voiced(ULAW_SILENCE * 160)
    assert not is_voiced(b"\x7f\xff" * 80)
    assert not is_voiced(b"")
    assert is_voiced(ULAW_SILENCE * 100 + VOCABULARY.word("word39", 20))


def test_words_are_spread_over_a_length() -> None:
    assert [(word.start_ms, word.end_ms) for word in spread("a b", 1_000)] == [(0, 500), (500, 1_000)]
    assert spread("", 1_000) == []


def test_the_ear_tells_words_on_the_stream_s_time_and_begins_anew_after_each_final() -> None:
    ear = Ear(Hearing(vocabulary=VOCABULARY))
    silence = ULAW_SILENCE * FRAME_SAMPLES * 5
    for packet in (silence, VOCABULARY.say("word3 word4"), silence):
        ear.feed(packet)
    words, start_ms, end_ms = ear.end()
    assert [(word.text, word.start_ms) for word in words] == [("word3", 100), ("word4", 400)]
    assert (start_ms, end_ms) == (0, 800)
    assert not ear.voiced
    ear.feed(VOCABULARY.say("word5"))
    assert [(word.text, word.start_ms) for word in ear.words] == [("word5", 800)]
    assert ear.last_voiced_ms == 1_040  # the packet ends in silence


def test_a_scripted_ear_tells_its_texts_one_after_another_and_the_last_for_ever() -> None:
    ear = Ear(Hearing(texts=("one two", "three")))
    said = []
    for _ in range(3):
        ear.feed(VOCABULARY.say("word1"))
        said.append(" ".join(word.text for word in ear.end()[0]))
    assert said == ["one two", "three", "three"]


def test_an_ear_that_knows_how_long_a_text_takes_has_no_word_before_it_was_said() -> None:
    ear = Ear(Hearing(texts=("one two three four",), spoken_ms=1_200, partial_s=0.1))
    silence = ULAW_SILENCE * FRAME_SAMPLES * 5
    half = VOCABULARY.word("word1", 600)
    ear.feed(silence + half)
    assert [word.text for word in ear.partial] == ["one"], "the second may not be whole"
    ear.feed(silence)
    assert [word.text for word in ear.partial] == ["one", "two"]
    assert [(word.text, word.start_ms) for word in ear.end()[0]] == [("one", 100), ("two", 400)]
    ear.feed(half)
    assert [word.text for word in ear.end()[0]] == ["three", "four"]
    ear.feed(half)
    assert [word.text for word in ear.words] == ["one", "two"], "the next utterance"


def test_a_scripted_ear_has_nothing_in_silence() -> None:
    ear = Ear(Hearing(texts=("one two", "three")))
    ear.feed(ULAW_SILENCE * FRAME_SAMPLES)
    assert ear.end()[0] == []
