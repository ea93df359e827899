"""Which names of tags are one name, and which are alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.tags.likeness import key_of, one_apart, similar


@pytest.mark.parametrize(("one", "other"), [("VIP", " vip "), ("Big  Deal", "big deal"), ("STRASSE", "straße")])
def test_case_and_blanks_make_no_other_name(one: str, other: str) -> None:
    assert key_of(one) == key_of(other)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("São Paulo", "sao-paulo", True),
        ("follow up", "Follow-up", True),
        ("partner", "partners", True),
        ("partner", "portner", True),
        ("partner", "artner", True),
        ("partner", "prtanes", False),
        ("cat", "car", False),
        ("!", "?", False),
        ("partner", "prospect", False),
    ],
)
def test_pairs(one: str, other: str, alike: bool) -> None:
    for first, second in ((one, other), (other, one)):
        assert list(similar([(1, first), (2, "entirely else"), (3, second)])) == ([(1, 3)] if alike else [])


@given(st.text(min_size=1), st.integers(min_value=0), st.characters())
def test_one_letter_apart_both_ways(word: str, at: int, letter: str) -> None:
    place = at % len(word)
    for other in (word[:place] + word[place + 1 :], word[:place] + letter + word[place:]):
        assert one_apart(word, other)
        assert one_apart(other, word)
    exchanged = word[:place] + letter + word[place + 1 :]
    assert one_apart(word, exchanged) is (word != exchanged)
    assert not one_apart(word, word)
    assert not one_apart(word, word + letter + letter)
