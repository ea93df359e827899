"""Pauses written into what is said: what is read out of them, and what is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.carrier import pauses

WORDS = st.text(alphabet="abc d,.'", min_size=1).map(str.strip).filter(lambda text: any(map(str.isalnum, text)))
PAUSE = st.integers(pauses.PAUSE_MIN_MS, pauses.PAUSE_MAX_MS)


def test_a_text_without_bars_is_one_piece() -> None:
    assert pauses.split("Yes, sure.") == pauses.Halting(("Yes, sure.",), ())


def test_pauses_stand_between_pieces() -> None:
    halting = pauses.split("My number is |700| five five|1200|oh one.")
    assert halting.pieces == ("My number is", "five five", "oh one.")
    assert halting.pauses_ms == (700, 1200)
    assert halting.text == "My number is five five oh one."


@given(WORDS, st.lists(st.tuples(PAUSE, WORDS), max_size=5))
def test_what_was_written_is_read(first: str, others: list[tuple[int, str]]) -> None:
    halting = pauses.split(first + "".join(f" |{pause}| {piece}" for pause, piece in others))
    assert halting.pieces == (first, *(piece for _, piece in others))
    assert halting.pauses_ms == tuple(pause for pause, _ in others)


@given(st.text(alphabet="|0123456789ab ."))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(ValueError):
        halting = pauses.split(text)
        assert len(halting.pieces) == len(halting.pauses_ms) + 1
        assert all(pauses.PAUSE_MIN_MS <= pause <= pauses.PAUSE_MAX_MS for pause in halting.pauses_ms)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("a |700 b", "one bar is missing"),
        ("|700| a", "use after_ms"),
        ("a |700|", "use after_ms"),
        ("a |700| ... |700| b", "use after_ms"),
        ("a || b", "write whole milliseconds"),
        ("a |99| b", "from 100 to 5000"),
        ("a |5001| b", "from 100 to 5000"),
        ("a |7e2| b", "write whole milliseconds"),
        ("a |-700| b", "write whole milliseconds"),
        ("a |²²²| b", "write whole milliseconds"),
        ("a |99999999999999999999| b", "from 100 to 5000"),
    ],
)
def test_what_is_no_pause_is_refused_with_a_remedy(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="pause") as caught:
        pauses.split(text)
    assert remedy in str(caught.value)
