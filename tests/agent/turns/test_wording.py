"""What the words of a turn say about its end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.turns.word_lists import lists_for
from agent.turns.wording import NO_LISTS, Words, normal, read

ENGLISH = lists_for("en-US")
PORTUGUESE = lists_for("pt-BR")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", Words.NONE),
        ("…", Words.NONE),
        ("Yes.", Words.FINISHED),
        ("no thank you", Words.FINISHED),
        ("I think so", Words.FINISHED),
        ("I know who that is", Words.FINISHED),
        ("Yes it is", Words.FINISHED),
        ("What does it cost?", Words.FINISHED),
        ("what does it cost", Words.PLAIN),
        ("tomorrow at ten", Words.PLAIN),
        ("at five", Words.PLAIN),
        ("I would like to talk about it, but", Words.OPEN),
        ("I would like to", Words.OPEN),
        ("my boss and", Words.OPEN),
        ("And.", Words.OPEN),
        ("we sell shoes,", Words.OPEN),
        ("my number is", Words.OPEN),
        ("my number is five", Words.DICTATING),
        ("My number is five five five", Words.DICTATING),
        ("five five", Words.DICTATING),
        ("my number is 555-01", Words.DICTATING),
        ("202 555 0143", Words.FINISHED),
        ("two oh two five five five oh one four three", Words.FINISHED),
        ("um", Words.HESITATING),
        ("well I, uh", Words.HESITATING),
        ("let me see", Words.HESITATING),
        ("very well", Words.FINISHED),
        ("mm hmm", Words.FINISHED),
        ("hmm", Words.HESITATING),
    ],
)
def test_english(text: str, words: Words) -> None:
    assert read(text, ENGLISH) is words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Sim.", Words.FINISHED),
        ("é", Words.HESITATING),
        ("não obrigado", Words.FINISHED),
        ("nao, obrigada", Words.FINISHED),
        ("eu queria saber o preço da", Words.OPEN),
        ("eu queria", Words.OPEN),
        ("deixa eu ver", Words.HESITATING),
        ("o meu telefone é nove oito", Words.DICTATING),
        ("meu número é onze nove", Words.DICTATING),
        ("nove oito sete seis cinco quatro três dois um zero um", Words.FINISHED),
        ("amanhã às dez", Words.PLAIN),
    ],
)
def test_portuguese(text: str, words: Words) -> None:
    assert read(text, PORTUGUESE) is words


@pytest.mark.parametrize("text", ["Ja, bitte.", "vielleicht morgen?"])
def test_a_language_without_lists_has_its_punctuation(text: str) -> None:
    assert lists_for("de-DE") is NO_LISTS
    assert read(text, NO_LISTS) is Words.FINISHED
    assert read(text.rstrip(".?"), NO_LISTS) is Words.PLAIN


@given(st.text(max_size=80))
def test_any_text_says_something_and_normal_text_is_normal(text: str) -> None:
    assert read(text, ENGLISH) in Words
    assert normal(normal(text)) == normal(text)
    assert (read(text, ENGLISH) is Words.NONE) == (not normal(text))


@pytest.mark.parametrize("said", ["Não me ligue mais.", "não me liga mais", "Eu não quero mais"])
def test_a_wish_that_ends_with_an_open_word_is_whole_in_portuguese(said: str) -> None:
    assert read(said, lists_for("pt-BR")) is Words.FINISHED
