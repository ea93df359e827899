"""Patterns of objections."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.understanding.lexicon import NO_LEXICON, BadPattern, compile_kind, compile_pattern


@pytest.mark.parametrize(
    ("pattern", "text", "fits"),
    [
        ("too expensive", "that is too expensive for me", True),
        ("too expensive", "too very expensive", False),
        ("too * expensive", "too very very expensive", True),
        ("too * expensive", "too a b c d expensive", False),
        ("my|our boss", "ask our boss", True),
        ("my|our boss", "ask the boss", False),
        ("scam+", "you scammers", True),
        ("scam", "you scammers", False),
        ("don't want", "i dont want", True),
        ("* expensive *", "expensive", True),
        ("e-mail", "an e-mail please", True),
    ],
)
def test_a_pattern_fits_whole_words(pattern: str, text: str, *, fits: bool) -> None:
    assert bool(compile_kind([pattern]).search(f"{text} ")) is fits


@pytest.mark.parametrize("pattern", ["", "*", "* *", "a||b", "|", "+"])
def test_a_pattern_without_words_is_refused(pattern: str) -> None:
    with pytest.raises(BadPattern):
        compile_pattern(pattern)


@given(st.text(alphabet="ab |*+.([\\é", max_size=20))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    try:
        made = compile_pattern(text)
    except BadPattern:
        return
    assert not re.compile(made).match("")


def test_a_language_without_lists_is_empty() -> None:
    assert NO_LEXICON.is_empty
