"""Words, sentences and variables."""

from hypothesis import given
from hypothesis import strategies as st

from agent.llm import wording


def test_contractions_are_written_out_and_punctuation_goes() -> None:
    assert wording.split_words("I'm busy — don’t CALL, ok?") == ("i", "am", "busy", "do", "not", "call", "okay")


def test_backchannels_with_hyphens_become_their_parts() -> None:
    assert wording.split_words("Uh-huh. Mm-hmm!") == ("uh", "huh", "mm", "hmm")


def test_sentences_keep_their_end_marks() -> None:
    assert wording.split_sentences("Hello. Is it you? Good!") == ("Hello.", "Is it you?", "Good!")


def test_a_missing_variable_leaves_no_hole() -> None:
    assert wording.fill_in("Hello {prospect_name}, this is {agent_name}.", {"agent_name": "Alex"}) == (
        "Hello, this is Alex."
    )
    assert wording.fill_in("Hello, {prospect_name}.", {}) == "Hello."


def test_a_value_with_braces_is_not_filled_in_again() -> None:
    assert wording.fill_in("I am {agent_name}.", {"agent_name": "{org_name}", "org_name": "x"}) == "I am {org_name}."


WORDS = st.text(alphabet="abcdefgh'", min_size=1, max_size=12)


@given(WORDS, WORDS)
def test_similarity_is_a_symmetric_share(one: str, other: str) -> None:
    alike = wording.similarity(one, other)
    assert 0.0 <= alike <= 1.0
    assert alike == wording.similarity(other, one)
    assert (alike == 1.0) == (one == other)


@given(WORDS)
def test_a_word_could_always_be_itself(word: str) -> None:
    assert wording.could_be_alike(word, word) or 3 * len(set(word)) < len(word)
