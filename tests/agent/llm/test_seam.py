"""One answer by several models: nothing twice, nothing left out, no half words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.llm.seam import ALL_SAID, HELD_CHARS_MAX, Seam

# Words that differ, so that a repetition is one and no coincidence.
WORD = st.from_regex(r"[a-zé]{1,6}[,.]?", fullmatch=True)
DISTINCT = st.lists(WORD, min_size=1, max_size=15, unique_by=lambda word: word.strip(",."))


def pieces_of(text: str, sizes: list[int]) -> list[str]:
    found = []
    for size in sizes:
        found.append(text[:size])
        text = text[size:]
    return [*found, text]


SIZES = st.lists(st.integers(1, 7), max_size=40)


@given(st.text(), SIZES)
def test_one_model_s_words_come_as_they_are(text: str, sizes: list[int]) -> None:
    seam = Seam()
    said = "".join(seam.push(piece) for piece in pieces_of(text, sizes)) + seam.flush()
    assert said == text == seam.said


@given(st.text(alphabet="ab \n", max_size=40), SIZES)
def test_only_whole_words_are_handed_on_before_the_end(text: str, sizes: list[int]) -> None:
    seam = Seam()
    for piece in pieces_of(text, sizes):
        handed = seam.push(piece)
        assert not handed or handed[-1].isspace()


@given(DISTINCT, st.data(), SIZES)
def test_a_second_model_may_repeat_and_nothing_comes_twice(
    words: list[str], data: st.DataObject, sizes: list[int]
) -> None:
    said = data.draw(st.integers(0, len(words)))
    # Nothing, enough to be told from chance, or all of it.
    repeated = data.draw(st.sampled_from([0, *range(3, said + 1), said]))
    seam = Seam()
    seam.push("".join(f"{word} " for word in words[:said]) + "half-a-wo")
    seam.join()
    rest = " ".join(words[said - repeated :])
    for piece in pieces_of(rest, sizes):
        seam.push(piece)
    seam.flush()
    assert seam.said.split() == words


@pytest.mark.parametrize(
    ("said", "rest", "whole"),
    [
        ("Do you have ", "a minute?", "Do you have a minute?"),
        ("Do you have ", " a minute?", "Do you have a minute?"),
        ("Do you have", "a minute?", "Do you have a minute?"),
        ("Do you have", " a minute?", "Do you have a minute?"),
        ("Do you have ", "Do you have a minute?", "Do you have a minute?"),
        ("Well, do you have ", "do YOU have... a minute?", "Well, do you have a minute?"),
        ("It is very ", "very cold", "It is very very cold"),
        ("Call five five ", "five one two", "Call five five five one two"),
        ("That is all I wanted. ", ALL_SAID, "That is all I wanted. "),
        ("That is all I wanted. ", "That is all I wanted.", "That is all I wanted. "),
        ("That is all I wanted. ", "all I wanted", "That is all I wanted. "),
        ("Yes or ", "no", "Yes or no"),
        ("", "Hello", "Hello"),
        ("  ", "Hello", "  Hello"),
    ],
)
def test_where_two_models_meet(said: str, rest: str, whole: str) -> None:
    for size in (1, 3, 100):
        seam = Seam(said)
        for start in range(0, len(rest), size):
            seam.push(rest[start : start + size])
        seam.flush()
        assert seam.said == whole


def test_a_third_model_goes_on_behind_the_second() -> None:
    seam = Seam()
    seam.push("One two three ")
    seam.join()
    seam.push("one two three four ")
    seam.join()
    seam.push("two three four five ")
    seam.flush()
    assert seam.said == "One two three four five "


def test_a_language_without_blanks_is_not_held_back_for_ever() -> None:
    seam = Seam()
    assert seam.push("字" * (HELD_CHARS_MAX + 1)) == "字" * (HELD_CHARS_MAX + 1)


def test_a_comma_ends_a_word_before_its_blank_has_come() -> None:
    seam = Seam()
    assert [seam.push(piece) for piece in ("That", " makes sense,", " and 10,", "000 more;")] == [
        "",
        "That makes sense,",
        " and ",
        "10,000 more;",
    ]
    seam.join()
    assert seam.push("or less, I think ") == " or less, I think "
