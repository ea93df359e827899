"""By when a caller must hear something."""

from hypothesis import given
from hypothesis import strategies as st

from agent.turns.ending import SILENCE_MS
from agent.turns.first_sound import FIRST_SOUND_MS, PATIENCE_MS, due_ms, unconfirmed_due_ms
from agent.turns.wording import Words

UNFINISHED = (Words.OPEN, Words.DICTATING, Words.HESITATING)


def test_the_budget_counts_from_the_last_sound_and_a_slow_speaker_gets_a_little_more() -> None:
    for words in set(Words) - set(UNFINISHED):
        assert due_ms(5_000, 5_000 + SILENCE_MS, words) == 5_000 + FIRST_SOUND_MS
        assert due_ms(5_000, 5_500, words) == 5_000 + FIRST_SOUND_MS
        for waited_ms in (1_100, 1_400, 5_000):
            assert due_ms(5_000, 5_000 + waited_ms, words) == 5_000 + FIRST_SOUND_MS + PATIENCE_MS


def test_the_wait_for_an_unfinished_sentence_is_not_the_answer_s() -> None:
    for words in UNFINISHED:
        assert due_ms(5_000, 6_600, words) == 6_600 - SILENCE_MS + FIRST_SOUND_MS


@given(st.integers(0, 10_000), st.integers(0, 3_000), st.sampled_from(list(Words)))
def test_nobody_waits_longer_than_was_deliberate(voiced_ms: int, wait_ms: int, words: Words) -> None:
    due = due_ms(voiced_ms, voiced_ms + wait_ms, words)
    assert voiced_ms + FIRST_SOUND_MS <= due <= voiced_ms + max(0, wait_ms - SILENCE_MS) + FIRST_SOUND_MS


@given(st.integers(0, 10_000), st.integers(0, 3_000), st.sampled_from(list(Words)))
def test_words_that_are_owed_are_waited_for_no_longer_and_never_less_than_a_recogniser_takes(
    voiced_ms: int, wait_ms: int, words: Words
) -> None:
    due, owed = due_ms(voiced_ms, voiced_ms + wait_ms, words), unconfirmed_due_ms(voiced_ms, voiced_ms + wait_ms, words)
    assert voiced_ms + FIRST_SOUND_MS <= owed <= due
    assert owed >= min(due, voiced_ms + wait_ms + 500)


def test_a_sentence_that_looked_broken_off_when_the_recogniser_hung_is_answered_within_two_seconds() -> None:
    for words in UNFINISHED:
        assert unconfirmed_due_ms(5_000, 6_100, words) == 6_600
        assert unconfirmed_due_ms(5_000, 6_400, words) == 6_900
    assert unconfirmed_due_ms(5_000, 5_400, Words.PLAIN) == 5_000 + FIRST_SOUND_MS
