"""How utterances sound."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.lexicon import NO_LEXICON, Lexicon, lengths_of
from agent.understanding.lexicon_files import lexicon_for
from agent.understanding.sentiment import CONFIDENCE_MIN, NOTHING, Sentiment, judge
from events.understanding import Mood

VALENCE = {"good": 2, "bad": -2, "awful": -3, "not bad": 2, "no problem": 0, "great": 3}
SMALL = Lexicon(
    language="xx",
    valence=VALENCE,
    lengths=lengths_of(VALENCE),
    negations=frozenset({"not", "do not"}),
    near_negations=frozenset({"no"}),
    stronger=frozenset({"very", "way too"}),
    weaker=frozenset({"a bit"}),
    stronger_after=frozenset({"indeed"}),
    contrasts=frozenset({"but"}),
)


def score(text: str) -> float:
    return judge(text, SMALL).score


def test_strengths_add_up_and_stay_below_one() -> None:
    assert 0 < score("good") < score("great") < score("great great") < 1
    assert -1 < score("awful awful awful") < score("awful") < score("bad") < 0


def test_the_longest_entry_counts_alone() -> None:
    assert score("not bad") > 0
    assert judge("no problem", SMALL) == NOTHING


def test_a_negation_turns_what_follows_within_three_words() -> None:
    assert score("not good") < 0
    assert score("not a very good one") < 0
    assert score("not one two three good") > 0
    assert score("do not call it good") < 0
    assert abs(score("not awful")) < abs(score("awful"))


def test_a_negation_does_not_reach_over_the_end_of_a_clause() -> None:
    assert score("Not now. Good.") > 0
    assert score("no, good") > 0
    assert score("no good") < 0
    assert score("no it is good") > 0


def test_words_around_make_it_stronger_or_weaker() -> None:
    assert score("very good") > score("good") > score("a bit good")
    assert score("good indeed") > score("good")
    assert score("way too bad") < score("bad")


def test_what_follows_a_but_counts_for_more() -> None:
    assert score("good but bad") < 0 < score("bad but good")
    assert judge("good but", SMALL).score == score("good")


def test_words_that_disagree_are_uncertain() -> None:
    assert judge("great and awful", SMALL).confidence < CONFIDENCE_MIN
    assert judge("great and awful", SMALL).mood is Mood.NEUTRAL


def test_little_in_a_long_speech_is_uncertain() -> None:
    assert judge("good " + "word " * 100, SMALL).confidence < judge("good", SMALL).confidence


def test_below_the_confidence_an_utterance_is_neutral() -> None:
    assert Sentiment(-1.0, CONFIDENCE_MIN - 0.01).mood is Mood.NEUTRAL
    assert Sentiment(-1.0, CONFIDENCE_MIN).mood is Mood.NEGATIVE
    assert Sentiment(0.9, 0.9).mood is Mood.POSITIVE
    assert Sentiment(0.1, 1.0).mood is Mood.NEUTRAL


@pytest.mark.parametrize("text", ["", "   ", "?!", "zzz"])
def test_nothing_is_known_of_nothing(text: str) -> None:
    assert judge(text, SMALL) == NOTHING
    assert judge("good", NO_LEXICON) == NOTHING


WORDS = st.sampled_from([*SMALL.valence, "not", "very", "but", "a bit", "indeed", "no", "x", "y,", "z."])


@given(st.lists(WORDS, max_size=30).map(" ".join) | st.text(max_size=200))
def test_scores_and_confidences_stay_in_their_range(text: str) -> None:
    for lexicon in (SMALL, lexicon_for("en"), lexicon_for("pt")):
        found = judge(text, lexicon)
        assert -1 < found.score < 1 or found == NOTHING
        assert 0 <= found.confidence <= 1


@given(st.lists(st.sampled_from(["good", "great", "x", "y"]), min_size=1, max_size=12))
def test_one_more_good_word_makes_nothing_worse(words: list[str]) -> None:
    assert score(" ".join([*words, "good"])) >= score(" ".join(words))
