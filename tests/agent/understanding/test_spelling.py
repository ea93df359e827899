"""Words as the lists have them."""

from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.spelling import WORDS_MAX, fold, quote, read_words


def test_capitals_marks_accents_apostrophes_and_drawn_out_letters_do_not_count() -> None:
    assert fold("I DON’T want it!!") == "i dont want it"
    assert fold("Não, é péssimo.") == "nao e pessimo"
    assert fold("soooo noooo") == "so no"


def test_words_know_where_they_were_said_and_where_a_clause_ends() -> None:
    words, spoken = read_words("No, that's great. Semana/mês")
    assert [word.text for word in words] == ["no", "thats", "great", "semana", "mes"]
    assert [word.place for word in words] == [0, 1, 2, 3, 3]
    assert [word.text for word in words if word.ends_clause] == ["no", "great"]
    assert quote(spoken, words[1], words[2]) == "that's great"


def test_only_the_last_words_of_a_monologue_are_read() -> None:
    words, spoken = read_words("blah " * 5_000 + "end")
    assert len(spoken) == len(words) == WORDS_MAX
    assert words[-1].text == "end"


@given(st.text(max_size=300))
def test_whatever_is_said_places_lie_in_what_was_said(text: str) -> None:
    words, spoken = read_words(text)
    assert all(0 <= word.place < len(spoken) for word in words)
    assert [word.place for word in words] == sorted(word.place for word in words)
    assert all(fold(word.text) == word.text for word in words if "-" not in word.text)
