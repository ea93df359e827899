"""When a caller counts as angry."""

from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.anger import ANGRY_AT, CALM_AT, Anger
from agent.understanding.sentiment import Sentiment

HARSH = Sentiment(-0.78, 0.8)
HOSTILE = Sentiment(-0.9, 0.8)
REFUSAL = Sentiment(-0.63, 0.65)
UNCERTAIN = Sentiment(-1.0, 0.59)
FRIENDLY = Sentiment(0.8, 0.8)


def began(*heard: Sentiment) -> list[bool]:
    anger = Anger()
    return [anger.hear(sentiment) for sentiment in heard]


def test_one_harsh_word_is_no_anger_and_two_are() -> None:
    assert began(HARSH, HARSH, HARSH) == [False, True, False]


def test_what_is_hostile_beyond_doubt_is_enough_once() -> None:
    assert began(HOSTILE) == [True]


def test_what_is_uncertain_never_makes_angry() -> None:
    assert began(*[UNCERTAIN] * 20) == [False] * 20


def test_a_polite_refusal_and_a_second_one_are_no_anger() -> None:
    assert began(REFUSAL, REFUSAL) == [False, False]


def test_anger_lasts_until_the_caller_sounds_calm() -> None:
    anger = Anger()
    angry = []
    for sentiment in (HOSTILE, Sentiment(0.0, 0.0), FRIENDLY, HOSTILE):
        anger.hear(sentiment)
        angry.append(anger.angry)
    assert angry == [True, True, False, True], "between the two it does not flicker"


@given(st.lists(st.builds(Sentiment, st.floats(-1, 1), st.floats(0, 1)), max_size=40))
def test_it_begins_and_ends_at_its_own_levels(heard: list[Sentiment]) -> None:
    anger = Anger()
    for sentiment in heard:
        before = anger.angry
        started = anger.hear(sentiment)
        assert started == (anger.angry and not before)
        assert -1 <= anger.level <= 1
        if started:
            assert anger.level <= ANGRY_AT
        if before and not anger.angry:
            assert anger.level >= CALM_AT
