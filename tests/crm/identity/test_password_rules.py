"""Which passwords are taken, and what is said about the others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm.identity.common_words import ROWS, WORDS
from crm.identity.password_rules import BITS_MIN, CHARS_MAX, TEXTS, Rule, estimate, judge


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "vG7#qLp2!xRz",
        "três tristes tigres trigo",
        "meu cachorro late muito alto",
        "ünï¢ode ïs fîne",
        "kxwvtqmhzjfd",
    ],
)
def test_good_ones_are_taken(password: str) -> None:
    judgement = judge(password, ("Ada Lovelace", "ada@example.com"))
    assert judgement.unmet == ()
    assert judgement.strength >= 2


@pytest.mark.parametrize(
    ("password", "rules"),
    [
        ("", {Rule.TOO_SHORT, Rule.TOO_EASY}),
        ("vG7#qLp2!xR", {Rule.TOO_SHORT}),
        ("v" * (CHARS_MAX + 1), {Rule.TOO_LONG, Rule.TOO_EASY, Rule.COMMON}),
        ("passwordpassword", {Rule.TOO_EASY, Rule.COMMON}),
        ("P@ssw0rd2024!", {Rule.TOO_EASY, Rule.COMMON}),
        ("senhasenha2025", {Rule.TOO_EASY, Rule.COMMON}),
        ("qwertyuiop123", {Rule.TOO_EASY, Rule.COMMON}),
        ("1qaz2wsx3edc", {Rule.TOO_EASY, Rule.COMMON}),
        ("aaaaaaaaaaaa", {Rule.TOO_EASY, Rule.COMMON}),
        ("abcabcabcabcabc", {Rule.TOO_EASY}),
        ("dragonmonkey2024", {Rule.TOO_EASY}),
        ("MichaelJordan1963", {Rule.TOO_EASY}),
        ("123456789012", {Rule.TOO_EASY}),
        ("poiuytrewq99", {Rule.TOO_EASY, Rule.COMMON}),
        ("Lovelace1815!", {Rule.TOO_EASY, Rule.PERSONAL}),
        ("l0velace-kxwvtqmhz", {Rule.PERSONAL}),
        ("example-kxwvtqmhz", {Rule.PERSONAL}),
    ],
)
def test_bad_ones_are_told_every_rule_at_once(password: str, rules: set[Rule]) -> None:
    assert set(judge(password, ("Ada Lovelace", "ada@example.com")).unmet) == rules


def test_every_rule_has_words() -> None:
    assert set(TEXTS) == set(Rule)
    assert all(TEXTS.values())


@given(st.text(max_size=250), st.lists(st.text(max_size=20), max_size=3))
def test_any_text_is_judged(password: str, about: list[str]) -> None:
    judgement = judge(password, about)
    assert judgement.bits >= 0
    assert 0 <= judgement.strength <= 4
    if estimate(password) < BITS_MIN:
        assert Rule.TOO_EASY in judgement.unmet, "what is known of a person makes none harder"


@given(st.sampled_from(sorted(WORDS)), st.integers(1950, 2029), st.sampled_from("!.?@"), st.booleans())
def test_a_word_and_a_year_are_never_enough(word: str, year: int, mark: str, capital: bool) -> None:
    assert estimate(f"{word.title() if capital else word}{year}{mark}") < BITS_MIN


@given(st.text(st.sampled_from("abcdefghijkmnpqrstuvwxyz23456789"), min_size=1, max_size=16), st.integers(2, 5))
def test_repeating_adds_next_to_nothing(unit: str, times: int) -> None:
    assert estimate(unit * times) <= estimate(unit) + 5


@given(st.text(max_size=60), st.text(max_size=20))
def test_a_longer_one_is_never_easier_by_much(password: str, more: str) -> None:
    # What stands behind can only make a cheaper reading of the seam: a word that goes on.
    assert estimate(password) <= estimate(password + more) + 20


def test_the_list_is_as_it_is_compared() -> None:
    assert all(word == word.lower() and word.isascii() and word.isalpha() and len(word) >= 3 for word in WORDS)
    assert all(row == row.lower() for row in ROWS)
