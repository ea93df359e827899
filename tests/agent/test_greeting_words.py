"""What machines and people say first, well and badly understood, and keys that menus offer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.greeting_files import BadGreetings, greeting_words, parse, recognizer_phrases
from agent.greeting_words import NO_GREETINGS, Speaks, contains

WORDS = greeting_words()


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("Hi, you have reached the corner shop. We can't come to the phone right now.", Speaks.VOICEMAIL),
        ("Please leave a message after the tone.", Speaks.VOICEMAIL),
        ("hello you've reached dana leave me a message", Speaks.VOICEMAIL),
        ("please leave a massage after the tone", Speaks.VOICEMAIL),
        ("Deixe seu recado após o sinal.", Speaks.VOICEMAIL),
        ("sua chamada esta sendo encaminhada para a caixa postal", Speaks.VOICEMAIL),
        ("Record your name and reason for calling, and I'll see if this person is available.", Speaks.SCREENING),
        ("please state your name after the tone", Speaks.SCREENING),
        ("Diga seu nome e o motivo da ligação.", Speaks.SCREENING),
        ("Thanks. Please stay on the line.", Speaks.HOLD),
        ("For sales, press one. For support, press two.", Speaks.MENU),
        ("Para falar com vendas, digite 1.", Speaks.MENU),
        ("Hello?", Speaks.PERSON),
        ("Alô, quem fala?", Speaks.PERSON),
        ("Yes, this is Dana speaking.", Speaks.PERSON),
        ("", None),
        ("I would rather have it on Tuesday at ten, if that suits you, hello", None),
        ("what does it cost", None),
    ],
)
def test_what_an_answer_is_like(text: str, speaks: Speaks | None) -> None:
    assert WORDS.kind_of(text) is speaks


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("For sales, press one. For support, press two. To speak to an operator, press zero.", "0"),
        ("Press 1 for English or press 2 for an operator", "2"),
        ("press one to hear our hours, press nine to talk to somebody at the shop", "9"),
        ("Para faturas digite um. Para falar com um atendente digite nove.", "9"),
        ("Press star to speak to the receptionist", "*"),
        ("Press one for hours, press two for directions.", ""),
        ("we press on", ""),
        ("press", ""),
        ("for our opening hours press one to speak that at two", "2"),
    ],
)
def test_the_key_to_a_person(text: str, key: str) -> None:
    assert WORDS.key_to_a_person(text) == key


def test_every_phrase_is_known_for_what_it_is_or_something_more_telling() -> None:
    order = list(Speaks)
    for kind, phrases in WORDS.phrases.items():
        for phrase in phrases:
            found = WORDS.kind_of(" ".join(phrase))
            assert found is not None
            assert order.index(found) <= order.index(kind)


@given(st.text())
def test_any_text_is_taken(text: str) -> None:
    assert WORDS.kind_of(text) in (*Speaks, None)
    assert NO_GREETINGS.kind_of(text) is None
    assert WORDS.key_to_a_person(text) in {"", *"0123456789*#"}


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=3, max_size=6), st.integers(0, 5))
def test_a_phrase_less_one_word_is_still_there(phrase: list[str], drop: int) -> None:
    assert contains(tuple(phrase), phrase)
    if len(phrase) >= 4:
        fewer = [word for place, word in enumerate(phrase) if place != drop % len(phrase)]
        assert contains(tuple(phrase), ["x", *fewer]) or len(set(phrase)) < len(phrase)


def test_recognisers_are_told_what_machines_of_their_language_say() -> None:
    assert "please state your name" in recognizer_phrases("en-US")
    assert "aguarde na linha" in recognizer_phrases("pt-BR")
    assert recognizer_phrases("tlh") == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("language: [", "not YAML at line 1"),
        ("language: en", "screening"),
        ("language: en\nextra: 1", "extra"),
    ],
)
def test_a_bad_file_names_the_fault(text: str, fault: str) -> None:
    with pytest.raises(BadGreetings, match=r"en\.yaml") as caught:
        parse(text, "en.yaml")
    assert fault in str(caught.value)
