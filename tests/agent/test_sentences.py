"""Texts to sentences and first clauses, however they are cut on their way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.sentences import CLAUSE_CHARS_MIN, SentenceSplitter


@given(st.lists(st.text("ab ,;.?!", max_size=12), max_size=20), st.integers(0, 20))
def test_no_word_is_lost_or_said_twice(pieces: list[str], hurry_at: int) -> None:
    splitter = SentenceSplitter()
    said: list[str] = []
    for number, piece in enumerate(pieces):
        said += splitter.push(piece)
        if number == hurry_at and (clause := splitter.take_clause()) is not None:
            said.append(clause)
    said += splitter.flush()
    # Only "one,two" is two words when a token ends at its comma.
    assert "".join(said).replace(" ", "") == "".join(pieces).replace(" ", "")
    assert all(sentence.strip() for sentence in said)


@pytest.mark.parametrize(
    ("text", "clause"),
    [
        ("Thanks, Sam, that", "Thanks, Sam,"),
        ("Well, I would", None),
        ("It costs 1,000 dollars", None),
        ("At half past: come", "At half past:"),
        ("Nothing ends here", None),
        ("The next token brings a blank,", "The next token brings a blank,"),
        ("It costs 1,", None),
        ('She said "yes please,', None),
        ("Look at https:", None),
    ],
)
def test_a_clause_is_worth_its_breath(text: str, clause: str | None) -> None:
    splitter = SentenceSplitter()
    assert splitter.push(text) == []
    assert splitter.take_clause() == clause
    assert clause is None or len(clause) >= CLAUSE_CHARS_MIN
    rest = text.removeprefix(clause or "").strip()
    assert splitter.flush() == ([rest] if rest else [])
