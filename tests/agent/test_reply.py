"""Which words were heard when speech was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.reply import Reply, Waterfall
from agent.tts.port import SpokenWord


def reply() -> Reply:
    made = Reply(1, Waterfall(origin_ms=1_000))
    made.sentences += ["One two three."]
    made.add_words((SpokenWord("One", 0, 200), SpokenWord("two", 200, 500), SpokenWord("three.", 500, 900)), 0)
    made.sentences += ["Four."]
    made.add_words((SpokenWord("Four.", 0, 400),), 1_000)
    return made


@pytest.mark.parametrize(
    ("heard_ms", "text"),
    [(0, ""), (99, ""), (100, "One"), (349, "One"), (350, "One two"), (900, "One two three."), (1_400, None)],
)
def test_a_word_counts_when_most_of_it_was_played(heard_ms: int, text: str | None) -> None:
    made = reply()
    assert made.heard_text(heard_ms) == (made.text if text is None else text)


@pytest.mark.parametrize(("heard_ms", "start_ms"), [(0, 0), (199, 0), (450, 200), (1_100, 1_000)])
def test_speech_resumes_at_the_start_of_the_cut_word(heard_ms: int, start_ms: int) -> None:
    assert reply().word_start_ms(heard_ms) == start_ms


@given(st.integers(0, 2_000), st.integers(0, 2_000))
def test_more_played_is_never_less_heard(one: int, other: int) -> None:
    made = reply()
    first, second = sorted((one, other))
    assert made.heard_text(second).startswith(made.heard_text(first))
