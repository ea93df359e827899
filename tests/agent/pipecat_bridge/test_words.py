"""Times of words: the vendor's where they fit, shares by letters where they do not."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.pipecat_bridge.words import SpokenWords, heard_words, shares, vendor_words
from agent.tts.port import SpokenWord

TEXTS = st.lists(st.text("abcdefg", min_size=1, max_size=12), max_size=12).map(" ".join)
STARTS = st.lists(st.integers(-500, 9_000), max_size=14)


@given(TEXTS.map(str.split), st.integers(0, 5_000), st.integers(-100, 20_000))
def test_shares_follow_each_other_from_the_start(words: list[str], start: int, length: int) -> None:
    placed = shares(words, start, start + length)
    assert [word for word, _, _ in placed] == words
    assert all(begin < end for _, begin, end in placed)
    if placed:
        assert placed[0][1] == start
        assert placed[-1][2] <= start + max(length, len(words)) + 1


def test_longer_words_get_more() -> None:
    assert shares(["a", "abc"], 0, 600) == [("a", 0, 200), ("abc", 200, 600)]


WORD = {"word": "hi", "punctuated_word": "Hi,", "start": 0.5, "end": 0.75}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"words": [WORD]}, [("Hi,", 500, 750)]),
        ({"channel": {"alternatives": [{"words": [WORD]}]}}, [("Hi,", 500, 750)]),
        (SimpleNamespace(words=[SimpleNamespace(text="hi", start=500, end=750)]), [("hi", 500, 750)]),
        ({"alternatives": [{"words": [{"word": "hi", "start": "0.5", "end": "0.7"}]}]}, []),
        ({"words": [WORD, {"word": 3}]}, []),
        (None, []),
        ("words", []),
        ({"words": "hi"}, []),
    ],
)
def test_vendors_words_are_found_or_none_are(result: object, words: list[tuple[str, int, int]]) -> None:
    assert vendor_words(result) == words


def test_a_vendor_s_times_are_moved_to_the_utterance() -> None:
    words = heard_words("yes i", [("yes", 5_480, 5_700), ("i", 5_750, 5_900)], 5_000, 480, 1_500)
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [("yes", 480, 700), ("i", 750, 900)]


@pytest.mark.parametrize(
    "told",
    [
        [],
        [("yes", 480, 700), ("i", 750, 900)],  # of a connection that began anew
        [("no", 5_480, 5_700), ("i", 5_750, 5_900)],
        [("yes", 5_700, 5_480), ("i", 5_750, 5_900)],
    ],
)
def test_times_that_do_not_fit_are_not_believed(told: list[tuple[str, int, int]]) -> None:
    words = heard_words("yes i", told, 5_000, 480, 1_080)
    assert [(word.text, word.start_ms, word.end_ms) for word in words] == [("yes", 480, 880), ("i", 880, 1_080)]


def test_a_told_word_ends_with_the_next() -> None:
    words = SpokenWords("Hello, you there.")
    assert not words.tell("Hello,", 0, 1_000)
    (hello,) = words.tell("you", 400, 1_000)
    assert (hello.text, hello.start_ms, hello.end_ms) == ("Hello,", 0, 400)
    assert [(word.text, word.start_ms, word.end_ms) for word in words.rest(1_200)] == [
        ("you", 400, 691),
        ("there.", 691, 1_200),
    ]


def test_words_are_estimated_while_they_are_said_at_the_pace_of_the_sentence_before() -> None:
    before = SpokenWords("abc abc")
    before.rest(800)
    words = SpokenWords("abc abc abc", before.pace(800), estimate=True)
    assert [word.text for word in words.due(399)] == []
    assert [(word.start_ms, word.end_ms) for word in words.due(850)] == [(0, 400), (400, 800)]
    assert [(word.start_ms, word.end_ms) for word in words.rest(1_300)] == [(800, 1_300)]


@given(TEXTS, STARTS, st.booleans(), st.integers(0, 9_000))
def test_each_word_is_given_once_and_in_order(text: str, starts: list[int], estimate: bool, length: int) -> None:
    words = SpokenWords(text, estimate=estimate)
    given_: list[SpokenWord] = []
    for word, start in zip([*text.split(), "more", "words"], starts, strict=False):
        given_ += words.tell(word, start, length)
        given_ += words.due(length)
    given_ += words.rest(length)
    assert [word.text for word in given_] == text.split()
    assert all(word.start_ms < word.end_ms for word in given_)
    assert all(one.start_ms <= other.start_ms for one, other in pairwise(given_))
